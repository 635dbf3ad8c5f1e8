"""A report in words, in the language of whoever asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pneumonia_api.records.readings import UNSEEN, ReadingRecord
from pneumonia_api.records.record import PredictionRecord
from pneumonia_api.records.scope import ScopeRecord
from pneumonia_api.report.contours import Rows, find_strongest
from pneumonia_api.report.gathering import Report
from pneumonia_api.report.local_worth import say_worth
from pneumonia_api.report.sections import Section
from pneumonia_api.report.speaking import Speaker

READINGS = {"pneumonia": "Pneumonia", "normal": "No pneumonia", "unsure": "Unsure"}
FINDINGS = {
    "pneumonia_likely": "Pneumonia likely",
    "uncertain": "Uncertain",
    "no_pneumonia_detected": "No pneumonia detected",
}
WITHHELD = {"silent": "Silent weeks", "age": "Withheld", "image": "No verdict"}
THIRDS = ("upper", "middle", "lower")

MAX_READINGS = 4
"""Of further readers, that one page has room for."""

LIMITS = (
    "Not a medical device: a second opinion, for a clinician who also reads the X-ray.",
    "It misses some pneumonias: a low probability does not rule one out.",
    "It knows no other disease: a pneumothorax, tumour or fracture gets no warning.",
    "It was trained in one hospital. For adults, infants, side views and other hospitals its "
    "result is unreliable.",
)


@dataclass(frozen=True)
class Wording:
    """The texts of a report, in reading order.

    `alternative` stands for the film where that cannot be seen, and `caption` is below it.
    """

    language: str
    title: str
    about: tuple[str, ...]
    alternative: str
    caption: str
    sections: tuple[Section, ...]


def put_into_words(report: Report, language: str, made: datetime) -> Wording:
    """The texts of a report that is made at this moment; `language` is en or de."""
    say = Speaker(language)
    xray, prediction = report.xray, report.prediction
    rows = prediction.heatmap if prediction else None
    about = (
        say("Reference %(reference)s", reference=xray.reference)
        if xray.reference
        else say("No reference"),
        say("View %(view)s", view=xray.view) if xray.view else "",
        say("Sent %(time)s by %(source)s", time=say.moment(xray.created_at), source=xray.source),
        say("ID %(id)s", id=xray.id),
    )
    film = say("The analysed chest X-ray")
    if rows:
        film = f"{film}, {say('with contours, strongest: %(place)s', place=_place(say, rows))}"
    sections = [_say_reading(say, report), _say_result(say, report)]
    if prediction:
        sections.append(say_worth(say, report.worth))
    if len(report.readings) > 1:
        sections.append(_say_others(say, report.readings[:-1]))
    sections += [
        Section(say("Limits"), "", tuple(map(say, LIMITS))),
        _say_versions(say, report, made),
    ]
    title = "Chest X-ray: reading" if report.withheld == "silent" else None
    return Wording(
        language,
        say(title or "Chest X-ray: reading and AI result"),
        tuple(filter(None, about)),
        film,
        _say_caption(say, rows, burned_in=xray.burned_in),
        tuple(sections),
    )


def _place(say: Speaker, rows: Rows) -> str:
    found = find_strongest(rows)
    if not found:
        return say("nowhere: no area increased the score")
    side, third = found
    return say(f"{side}{',' if side == 'midline' else ''} {THIRDS[third]} zone")


def _say_caption(say: Speaker, rows: Rows | None, *, burned_in: bool) -> str:
    sentences = [say("A picture of reduced size, not for diagnosis.")]
    if burned_in:
        sentences.append(say("The file says that text in this picture identifies the patient."))
    if rows:
        sentences = [
            say(
                "Contours: areas that most increased the score (Grad-CAM), at 50 and 80 % of the "
                "strongest one. Approximate: not an outline of disease."
            ),
            say("Strongest: %(place)s.", place=_place(say, rows)),
            say("The patient's right is at the image's left, if the film hangs as usual."),
            *sentences,
        ]
    return " ".join(sentences)


def _say_reading(say: Speaker, report: Report) -> Section:
    reading, decision = report.reading, report.decision
    word = say(READINGS[reading.label])
    if reading.label == "unsure":
        word = say("%(reading)s: the image is inconclusive", reading=word)
    elif decision == reading.label:
        word = say("%(reading)s, agrees with the AI result", reading=word)
    elif decision:
        word = say("%(reading)s, disagrees with the AI result", reading=word)
    lines = [say("Note: “%(note)s”", note=reading.note)] if reading.note else []
    lines.append(
        say(
            "%(reader)s, %(time)s, %(seen)s",
            reader=reading.reader,
            time=say.moment(reading.reviewed_at),
            seen=_say_seen(say, reading),
        )
    )
    return Section(say("Reading"), word, tuple(lines))


def _say_seen(say: Speaker, reading: ReadingRecord) -> str:
    if reading.ai in UNSEEN:
        return say("AI result hidden")
    return say("AI result shown" if reading.ai else "not known whether the AI result was shown")


def _say_others(say: Speaker, readings: Sequence[ReadingRecord]) -> Section:
    last = readings[-MAX_READINGS:]
    lines = [
        say(
            "%(reader)s, %(time)s: %(reading)s",
            reader=each.reader,
            time=say.moment(each.reviewed_at),
            reading=say(READINGS[each.label]),
        )
        for each in reversed(last)
    ]
    if more := len(readings) - len(last):
        lines.append(say("and %(count)s more", count=more))
    return Section(say("Further readings"), "", tuple(lines))


def _say_result(say: Speaker, report: Report) -> Section:
    heading, prediction = say("AI result"), report.prediction
    age = _say_age(say, report.xray.scope)
    if prediction:
        lead = say(FINDINGS[str(prediction.finding)])
        return Section(heading, lead, (*_say_score(say, prediction), age))
    lead = say(WITHHELD[str(report.withheld)])
    if report.withheld == "silent":
        told = (
            "This site tests the model. It has judged this X-ray, and nobody is shown what it says."
        )
        return Section(heading, lead, (say(told),))
    warned = tuple(map(say.warning, report.warnings))
    if warned:
        warned = (say("There is no verdict on this image:"), *warned)
    patient = (_say_patient(say, report.xray.scope),) if report.withheld == "age" else (age,)
    return Section(heading, lead, (*warned, *patient))


def _say_score(say: Speaker, prediction: PredictionRecord) -> tuple[str, str]:
    low, high = prediction.uncertain or (prediction.threshold, prediction.threshold)
    values = {
        "share": say.share(prediction.probability),
        "threshold": say.share(prediction.threshold),
        "low": say.share(low),
        "high": say.share(high),
    }
    if prediction.uncertain:
        score = (
            "Probability of pneumonia %(share)s, threshold %(threshold)s, uncertain from %(low)s "
            "to %(high)s."
        )
    else:
        score = "Probability of pneumonia %(share)s, threshold %(threshold)s."
    meaning = {
        "pneumonia_likely": "At or above %(high)s. Some X-rays without pneumonia score this high "
        "too: look for the finding behind it.",
        "uncertain": "Between %(low)s and %(high)s patients with and without pneumonia score "
        "alike: read the X-ray as if there were no AI result.",
        "no_pneumonia_detected": "Below %(low)s. This does not rule out pneumonia: look for signs "
        "that it may have missed.",
    }[str(prediction.finding)]
    return say(score, **values), say(meaning, **values)


def _say_age(say: Speaker, scope: ScopeRecord | None) -> str:
    if scope is None:
        return say("Age not checked: an earlier release analysed this X-ray.")
    if scope.youngest is None:
        return say("The model does not state the ages that it is valid for.")
    text = {
        "within": "Age in the file: within %(youngest)s to %(oldest)s, as the model needs",
        "implausible": "The age in the file cannot be right: valid only for ages %(youngest)s to "
        "%(oldest)s",
    }.get(scope.age, "Age not in the file: valid only for ages %(youngest)s to %(oldest)s")
    return say(text, youngest=scope.youngest, oldest=scope.oldest)


def _say_patient(say: Speaker, scope: ScopeRecord | None) -> str:
    """Why the result of a patient whom the model is not for is withheld."""
    if scope is None:
        return ""
    who = {
        "under": "The file says that the patient is younger than %(youngest)s.",
        "above": "The file says that the patient is older than %(oldest)s.",
    }.get(scope.age, "The age and the dates in the file disagree.")
    told = "The model was validated for ages %(youngest)s to %(oldest)s only: do not rely on it."
    band = {"youngest": scope.youngest, "oldest": scope.oldest}
    return f"{say(who, **band)} {say(told, **band)}"


def _say_versions(say: Speaker, report: Report, made: datetime) -> Section:
    judged = report.xray.prediction
    if judged is None:
        raise ValueError("a report is of an X-ray with a prediction")
    versions = say(
        "Model %(model)s, arithmetic %(precision)s; software %(release)s; made %(time)s.",
        model=judged.model,
        precision=judged.precision,
        release=report.release,
        time=say.moment(made.isoformat()),
    )
    if judged.profile and report.prediction:
        decided = "Probability and threshold are by this hospital's own site profile %(profile)s."
        versions += " " + say(decided, profile=judged.profile)
    digest = say("Digest of the image (SHA-256) %(digest)s", digest=report.xray.digest)
    return Section(say("Versions"), "", (versions, digest))
