"""The readings of one X-ray: a list that only grows, and which of its entries stand.

An entry is a reading or takes one back, so that nothing that a person once stated is erased. In the
record's hash each is a field of its own, `reading:1` the first. The hash also has the field
`review`, the last reading that stands: filters, search and hosts of the previous release use it.
That release wrote nothing else, so a `review` that is not among the entries counts as the last one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

WITHDRAWN = "withdrawn"
"""The label of an entry by which a reader takes back a reading."""

SHOWN = ("shown", "hidden", "silent")
"""Whether a reader saw the AI result: `hidden` until they had answered, `silent` not even then."""

UNSEEN = ("hidden", "silent")

_FIELD = "reading:{}".format


@dataclass(frozen=True)
class ReviewRecord:
    """The clinician's own reading: a label, a note, who read it, and when (ISO 8601, UTC)."""

    label: str
    note: str
    reader: str
    reviewed_at: str


@dataclass(frozen=True)
class ReadingRecord(ReviewRecord):
    """One entry of the list.

    `number` counts from 1. `model` is the version whose answer the record has; `ai` says whether
    the reader saw that answer, one of SHOWN, or None if the sender did not say. `undoes` is the
    number of the entry that this one revokes, as if it had never been made. `reopens` is the number
    of another reader's reading that a lead takes back. `seconds` is the time
    from the film's display to this answer, or None if the page did not measure it. `key` is a
    digest of the sender's idempotency key. `stands` is false for what its reader replaced or took
    back, and for what a lead reopened.
    """

    number: int
    model: str
    ai: str | None = None
    undoes: int | None = None
    reopens: int | None = None
    seconds: float | None = None
    key: str = ""
    stands: bool = False

    @property
    def review(self) -> ReviewRecord:
        """The part that the field `review` has."""
        return ReviewRecord(self.label, self.note, self.reader, self.reviewed_at)


@dataclass(frozen=True)
class BlindReading:
    """What a reader thought `before` the AI result was shown, and thinks `after` it: two labels.

    `reviewed_at` is the time of the first. `seconds_before` and `seconds_after` are from the film's
    display to each answer, where they were measured; the second is also None for a reader who kept
    the first answer without giving it again.
    """

    reader: str
    before: str
    after: str
    reviewed_at: str
    seconds_before: float | None = None
    seconds_after: float | None = None


_KNOWN = {field.name for field in fields(ReadingRecord)}
"""A later release may add some."""


def read_readings(
    values: Mapping[str, str], review: ReviewRecord | None, model: str
) -> tuple[ReadingRecord, ...]:
    """The entries in the hash `values`, whose prediction is by `model`."""
    readings: list[ReadingRecord] = []
    while text := values.get(_FIELD(len(readings) + 1)):
        stored = {"note": "", "number": len(readings) + 1, **json.loads(text)}
        known = {name: value for name, value in stored.items() if name in _KNOWN}
        readings.append(ReadingRecord(**known))
    if review and review not in [each.review for each in readings]:
        readings.append(ReadingRecord(**vars(review), number=len(readings) + 1, model=model))
    return mark_standing(readings)


def write_readings(readings: Iterable[ReadingRecord]) -> dict[str, str]:
    """The fields of these entries, without what is empty or follows from the others."""
    written = {}
    for each in readings:
        values = asdict(each)
        kept = {k: v for k, v in values.items() if v and k not in ("number", "stands")}
        written[_FIELD(each.number)] = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    return written


def mark_standing(readings: Iterable[ReadingRecord]) -> tuple[ReadingRecord, ...]:
    """The entries, each with `stands`: true for each reader's last one, unless it withdraws.

    A reopened one does not stand, and neither does what its reader had said before it.
    """
    entries = list(readings)
    undone = {each.undoes for each in entries}
    valid = [each for each in entries if each.number not in undone and not each.undoes]
    reopened = {each.reopens for each in valid}
    own = [each for each in valid if not each.reopens]  # a lead's own reading is another matter
    last = {each.reader: each.number for each in own}
    standing = {each.number for each in own if each.label != WITHDRAWN} & set(last.values())
    standing -= reopened
    return tuple(replace(each, stands=each.number in standing) for each in entries)


def find_blind_readings(
    readings: Iterable[ReadingRecord], unseen: Sequence[str] = ("hidden",)
) -> frozenset[BlindReading]:
    """That of each reader whose reading stands and who first read without the AI result.

    `unseen` are those of SHOWN that count as without it. Who was never shown the result cannot have
    been helped or misled by it, so readings of silent weeks count only where they are asked for.
    """
    entries = list(readings)
    undone = {each.undoes for each in entries}
    found = set()
    for standing in (each for each in entries if each.stands):
        blind = None
        for each in entries:
            if each.reader != standing.reader or each.number in undone:
                continue
            if each.undoes or each.reopens:
                continue
            if each.ai not in unseen:
                break
            if each.label != WITHDRAWN:
                blind = each
        if blind:
            after = standing.seconds if standing.number != blind.number else None
            labels = (standing.reader, blind.label, standing.label)
            found.add(BlindReading(*labels, blind.reviewed_at, blind.seconds, after))
    return frozenset(found)


def find_review(readings: Iterable[ReadingRecord]) -> ReviewRecord | None:
    """The last reading that stands."""
    standing = [each.review for each in readings if each.stands]
    return standing[-1] if standing else None
