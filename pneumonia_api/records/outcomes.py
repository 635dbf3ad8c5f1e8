"""What a patient turned out to have: a list for each X-ray that only grows; its last entry counts.

Nothing in an X-ray's record says what is true: readings are opinions. A person enters the outcome
later, from other sources than this X-ray. In the record's hash each entry is a field of its own,
`outcome:1` the first.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

OUTCOMES = ("pneumonia", "normal", "unknown")
"""`unknown` takes back what was entered."""

BASES = ("ct", "microbiology", "consensus", "follow_up")
"""What an outcome rests on: CT, laboratory, several experts, or the course of the disease."""

_FIELD = "outcome:{}".format


@dataclass(frozen=True)
class OutcomeRecord:
    """One entry: a label of OUTCOMES, one of BASES ("" if unknown), who entered it, and when."""

    label: str
    basis: str
    by: str
    at: str


def read_outcomes(values: Mapping[str, str]) -> tuple[OutcomeRecord, ...]:
    """The entries in the hash of a record, the oldest first."""
    found: list[OutcomeRecord] = []
    while text := values.get(_FIELD(len(found) + 1)):
        stored = json.loads(text)
        found.append(OutcomeRecord(*(stored[name] for name in ("label", "basis", "by", "at"))))
    return tuple(found)


def write_outcome(number: int, outcome: OutcomeRecord) -> dict[str, str]:
    """The field of entry `number`, which counts from 1."""
    text = json.dumps(asdict(outcome), ensure_ascii=False, separators=(",", ":"))
    return {_FIELD(number): text}


def find_truth(outcomes: Iterable[OutcomeRecord]) -> str | None:
    """`pneumonia` or `normal`, as entered last; None if nobody knows."""
    last = ([None, *(each.label for each in outcomes)])[-1]
    return None if last == "unknown" else last
