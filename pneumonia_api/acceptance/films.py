"""A film of this hospital of which somebody knows what the patient had, beside what the model said.

The label is the confirmed outcome where there is one. Else it is what most of the readers said who
answered before the AI result was shown to them, a program excepted: a reading that was made after
it follows it too often to be evidence. A tie, or readers who are unsure, is no label.
"""

from collections import Counter
from dataclasses import dataclass

from pneumonia_api.records.lists import WITHHELD, shown_of
from pneumonia_api.records.outcomes import find_truth
from pneumonia_api.records.readings import UNSEEN, find_blind_readings
from pneumonia_api.records.record import BATCH_SOURCE, XrayRecord
from pneumonia_api.roles import is_machine, is_program

BASES = ("outcome", "reading", "file")
"""What a label rests on: a confirmed outcome, blind readings, or a file of labels."""


@dataclass(frozen=True)
class Film:
    """One film with a label.

    `patient` groups the films of one person: the reference of the X-ray, or its id if it has none.
    `ill` is the label, `called` whether the decision is pneumonia, `probability` what was shown,
    and `own` the model's own, which a site profile may have moved. `shown` is false where the page
    withholds the result (age, quality). `age` is one of `model.reading.ages.AGES`, `view` PA, AP or
    unknown, `source` program, archive or person, and `device` maker and model of the machine, or
    the source where the file names none. `basis` is one of BASES, `at` is when the label became
    known (ISO 8601, UTC), and `sent` when the film was sent.
    """

    patient: str
    ill: bool
    called: bool
    probability: float
    own: float
    uncertain: bool
    shown: bool
    age: str
    view: str
    source: str
    device: str
    basis: str
    at: str
    sent: str


@dataclass(frozen=True)
class Label:
    """What the patient had, what that rests on (one of BASES), and since when it is known."""

    ill: bool
    basis: str
    at: str


def find_label(xray: XrayRecord) -> Label | None:
    """The label of a record; None if nobody knows."""
    if truth := find_truth(xray.outcomes):
        return Label(truth == "pneumonia", "outcome", xray.outcomes[-1].at)
    answers = find_blind_readings(xray.readings, UNSEEN)
    blind = [each for each in answers if not is_machine(each.reader)]
    votes = Counter(each.before for each in blind)
    if votes["pneumonia"] == votes["normal"]:
        return None
    ill = votes["pneumonia"] > votes["normal"]
    return Label(ill, "reading", max(each.reviewed_at for each in blind))


def name_source(source: str) -> str:
    """What stands for the sender: a person's name would say more than an acceptance needs."""
    if source == BATCH_SOURCE:
        return "archive"
    return "program" if is_program(source) else "person"


def make_film(xray: XrayRecord, label: Label, patient: str = "") -> Film:
    """The film of a record that has a prediction. Raises ValueError if it has none.

    `patient` is for records without a reference, such as those of an archive.
    """
    prediction = xray.prediction
    if prediction is None:
        raise ValueError("an X-ray without a prediction is no film")
    own, source = prediction.model_probability, name_source(xray.source)
    return Film(
        patient=patient or xray.reference or xray.id,
        ill=label.ill,
        called=prediction.decision == "pneumonia",
        probability=prediction.probability,
        own=prediction.probability if own is None else own,
        uncertain=prediction.finding == "uncertain",
        shown=shown_of(xray) != WITHHELD,
        age=xray.scope.age if xray.scope else "unknown",
        view=xray.view or "unknown",
        source=source,
        device=xray.device or source,
        basis=label.basis,
        at=label.at,
        sent=xray.created_at,
    )
