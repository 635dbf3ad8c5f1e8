"""An acceptance as a document to print: the words of it, whatever draws them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from pneumonia_api.acceptance.figures import Estimate, Figures
from pneumonia_api.acceptance.report import Assessment
from pneumonia_api.acceptance.rule import FAILS, HOLDS, MIN_PATIENTS, TOO_FEW
from pneumonia_api.acceptance.speech import Speech
from pneumonia_api.intervals import Share
from pneumonia_api.records.moments import write_time
from pneumonia_api.records.plans import PlanRecord
from pneumonia_api.records.profiles import ProfileRecord
from pneumonia_api.report.document import Block, Document, Heading, Items, Paragraph, Table

VERDICTS = {
    HOLDS: "Holds here",
    FAILS: "Does not hold here",
    TOO_FEW: "Too few to say",
}

MEANINGS = {
    HOLDS: "Holds here: the whole interval of sensitivity and that of specificity are at or above "
    "the least, and the stopping rule is silent.",
    FAILS: "Does not hold: one of the two intervals is wholly below the least.",
    TOO_FEW: "Too few to say: everything else.",
}

CAVEATS = (
    "A label is a confirmed outcome, else what most readers said who had not seen the result. "
    "Unsure is no label.",
    "If only doubtful cases have an outcome, the figures are of doubtful cases.",
    "Not a medical device.",
)

FIGURES = {
    "auc": "Area under the ROC curve",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
}

GROUPS = {"age": "Age in the file", "view": "View", "device": "Machine", "source": "Sent by"}

NAMES = {
    "within": "of the model's ages",
    "under": "younger: result withheld",
    "above": "older: result withheld",
    "contradictory": "in doubt: result withheld",
    "implausible": "cannot be right",
    "unknown": "not in the file",
    "person": "a person",
    "program": "a program",
    "archive": "scoring of an archive",
}
"""Of groups; PA, AP and the names of machines are words themselves."""


def compose(
    found: Assessment,
    plan: PlanRecord | None,
    profile: ProfileRecord | None,
    say: Speech,
    made: datetime,
) -> Document:
    """The document of an assessment by a plan, and of the site profile, if one decides."""
    return Document(
        say("Acceptance of the pneumonia model"),
        say.language,
        write_time(made),
        tuple(_write(found, plan, profile, say, made)),
    )


def _write(
    found: Assessment,
    plan: PlanRecord | None,
    profile: ProfileRecord | None,
    say: Speech,
    made: datetime,
) -> Iterator[Block]:
    yield Paragraph(say("Model %(model)s, made %(time)s", model=found.model, time=say.moment(made)))
    if profile:
        yield Paragraph(
            say(
                "With the site profile %(profile)s, fitted to %(films)s films by %(by)s",
                profile=profile.id,
                films=profile.basis.films,
                by=profile.by,
            )
        )
    yield Heading(say("Verdict"))
    yield Paragraph(say(VERDICTS[found.verdict.name]), strong=True)
    yield Items(tuple(say.reason(each) for each in found.verdict.reasons))
    yield from _write_films(found, plan, say)
    yield Heading(say("Figures, with 95 per cent intervals by patient"))
    yield _tabulate_figures(found, say)
    yield from _write_calibration(found, say)
    yield from _write_stopping(found, say)
    yield Heading(say("Patients still needed, by the width of the interval"))
    widths = [each.width for each in next(iter(found.needed.values()))]
    yield Table(
        (say("Figure"), *(say("%(number)s points", number=_whole(each)) for each in widths)),
        tuple(
            (
                say(FIGURES[name]),
                *(str(each.missing) if each.missing else say("enough") for each in numbers),
            )
            for name, numbers in found.needed.items()
        ),
    )
    yield Heading(say("By group"))
    yield _tabulate_groups(found, say)
    yield Heading(say("How to read it"))
    yield Items(tuple(say(each) for each in MEANINGS.values()))
    yield Items(tuple(say(each) for each in CAVEATS))


def _write_films(found: Assessment, plan: PlanRecord | None, say: Speech) -> Iterator[Block]:
    yield Heading(say("Films and plan"))
    yield Paragraph(
        say(
            "%(judged)s X-rays were judged, and %(labelled)s have a label; %(withheld)s of these "
            "have a result that no page shows and count by age only. The figures are of %(ill)s "
            "patients with pneumonia and %(healthy)s without.",
            judged=found.judged,
            labelled=found.labelled,
            withheld=found.withheld,
            ill=found.overall.patients_ill,
            healthy=found.overall.patients_healthy,
        )
    )
    least = {name: _whole(each.least) for name, each in found.bounds.items()}
    text = say(
        "Least sensitivity %(sensitivity)s %%, least specificity %(specificity)s %%, on at least "
        "%(patients)s ill and %(patients)s healthy patients.",
        **least,
        patients=MIN_PATIENTS,
    )
    if plan:
        at = say.moment(datetime.fromisoformat(plan.at))
        text += " " + say("The plan was written by %(by)s, %(time)s.", by=plan.by, time=at)
    else:
        text += " " + say("No plan was written beforehand.")
    yield Paragraph(text)


def _tabulate_figures(found: Assessment, say: Speech) -> Table:
    promise = say("Site profile") if found.profile else say("Model card")
    overall, rows = found.overall, []
    for name, title in FIGURES.items():
        here: Estimate | Share | None = getattr(overall, name)
        compared = found.card[name]
        rows.append(
            (say(title), _say(here, say), _say(compared.card, say), _say(compared.change, say))
        )
    rows.append((say("Uncertain"), _say(overall.uncertain, say), "", ""))
    return Table((say("Figure"), say("Here"), promise, say("Difference")), tuple(rows))


def _write_calibration(found: Assessment, say: Speech) -> Iterator[Block]:
    yield Heading(say("Calibration, for as many ill as healthy"))
    if not found.calibration:
        yield Paragraph(
            say("Not known yet: too few films, or a probability that separates them all.")
        )
        return
    each = found.calibration
    yield Items(
        (
            say("Slope %(value)s; 1 if right", value=_say(each.slope, say)),
            say("Intercept %(value)s; 0 if right", value=_say(each.intercept, say)),
            say(
                "Error %(value)s; by chance alone %(chance)s",
                value=_say(each.error, say),
                chance=say.number(each.chance),
            ),
        )
    )


def _write_stopping(found: Assessment, say: Speech) -> Iterator[Block]:
    if not found.bets:
        return
    yield Heading(say("Stopping rule"))
    texts = []
    for name, bet in found.bets.items():
        alarm = (
            say("alarm at read film %(number)s", number=bet.alarm) if bet.alarm else say("no alarm")
        )
        texts.append(
            say(
                "%(figure)s: %(alarm)s, on %(patients)s patients this quarter",
                figure=say(FIGURES[name]),
                alarm=alarm,
                patients=bet.films,
            )
        )
    yield Items(tuple(texts))


def _tabulate_groups(found: Assessment, say: Speech) -> Table:
    rows = []
    for group, title in GROUPS.items():
        for name, figures in found.groups.get(group, {}).items():
            rows.append(_describe_group(say(title), name, figures, say))
    heads = ("Group", "Films, ill", "AUC", "Sensitivity", "Specificity", "Uncertain")
    return Table(tuple(say(each) for each in heads), tuple(rows))


def _describe_group(title: str, name: str, figures: Figures, say: Speech) -> tuple[str, ...]:
    shares: Sequence[Share] = (figures.sensitivity, figures.specificity, figures.uncertain)
    return (
        f"{title}: {say(NAMES[name]) if name in NAMES else name}",
        f"{figures.films}, {figures.ill}",
        _say(figures.auc, say),
        *(_say(each, say) for each in shares),
    )


def _say(value: Estimate | Share | None, say: Speech) -> str:
    """The value with its interval, or that there is none."""
    middle = value.share if isinstance(value, Share) else value.value if value else None
    if value is None or middle is None or value.low is None or value.high is None:
        return say("none yet")
    low, high = say.number(value.low), say.number(value.high)
    return say("%(value)s (%(low)s to %(high)s)", value=say.number(middle), low=low, high=high)


def _whole(share: float) -> str:
    return f"{100 * share:.0f}"
