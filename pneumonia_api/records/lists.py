"""The lists of records: each record is in exactly one, and every filter is a union of some.

Each is a sorted set of ids, as is the list of all records. All scores are 0, so Redis sorts the ids
by their text, which begins with the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pneumonia_api.records import keys
from pneumonia_api.records.record import DECISIONS, FINDING_OF, FINDINGS, STATUSES, XrayRecord

UNANSWERED = ("rejected", "failed")
"""How a record ends without a prediction: a person must look at these."""

OF_PREVIOUS_RELEASE = (
    *(keys.status(status) for status in STATUSES if status != "queued"),
    *(keys.decision(decision) for decision in DECISIONS),
    keys.REVIEWED,
)
"""This release only reads and empties them: `upgrade` moves their records."""


WITHHELD = "withheld"
"""What is shown of a result that means little for this patient or image."""

SHOWN = (*FINDINGS, WITHHELD)
"""What a page shows of a prediction before anybody asks for more."""


@dataclass(frozen=True)
class Filters:
    """What a record must be to be listed; None and False are no condition.

    `shown` is one of SHOWN. `unanswered` records ended without a prediction.
    """

    status: str | None = None
    decision: str | None = None
    reviewed: bool | None = None
    shown: str | None = None
    unanswered: bool = False

    def accept(
        self, status: str, decision: str | None, reviewed: bool, shown: str | None = None
    ) -> bool:
        """Whether a record passes; `shown` may be None if the filter does not ask for it."""
        return (
            self.status in (None, status)
            and self.decision in (None, decision)
            and self.reviewed in (None, reviewed)
            and self.shown in (None, shown)
            and not (self.unanswered and status not in UNANSWERED)
        )


def shown_of(xray: XrayRecord) -> str | None:
    """What a page shows of the prediction, one of SHOWN; None without a prediction."""
    if not xray.prediction:
        return None
    out_of_scope = xray.scope and xray.scope.out_of_scope
    if out_of_scope or (xray.quality and xray.quality.warnings):
        return WITHHELD
    return xray.prediction.finding or FINDING_OF[xray.prediction.decision]


def list_of(xray: XrayRecord) -> str:
    """The list in which the record belongs."""
    if xray.prediction:
        kind = _name_kind(xray.prediction.decision, str(shown_of(xray)))
        return keys.judged(kind, _READING[xray.review is not None])
    return keys.status("queued") if xray.status == "queued" else keys.ended(xray.status)


def select_lists(
    status: str | None = None, decision: str | None = None, reviewed: bool | None = None
) -> list[str]:
    """The lists whose union has all records that match the filters, and no other record."""
    return select(Filters(status, decision, reviewed))


def select(filters: Filters) -> list[str]:
    """The same with every filter."""
    if filters == Filters():
        return [keys.XRAYS]
    return [
        name
        for name, status, decision, is_reviewed, shown in _list_all()
        if filters.accept(status, decision, is_reviewed, shown)
    ]


def select_previous_lists(
    status: str | None, decision: str | None = None, reviewed: bool | None = None
) -> list[str]:
    """Lists of the previous release whose union has all its records that match the filters.

    It has others, too, so each record must be checked. Empty once `upgrade` has moved them.
    """
    return select_previous(Filters(status, decision, reviewed))


def select_previous(filters: Filters) -> list[str]:
    """The same with every filter."""
    names = {s: [keys.status(s)] for s in STATUSES if s != "queued"}
    judged = filters.decision or filters.shown
    if filters.reviewed:
        # A host of the previous release may have reviewed a record that was moved already.
        names["done"].append(keys.REVIEWED)
    only = "done" if judged or filters.reviewed else filters.status
    if filters.status not in (None, only):
        return []
    return [
        name
        for s in names
        for name in names[s]
        if only in (None, s) and not (filters.unanswered and s not in UNANSWERED)
    ]


def _list_all() -> Iterator[tuple[str, str, str | None, bool, str | None]]:
    """Every list, and status, decision, whether there is a review, and what is shown."""
    yield keys.status("queued"), "queued", None, False, None
    for status in UNANSWERED:
        yield keys.ended(status), status, None, False, None
    for decision in DECISIONS:
        for shown in (FINDING_OF[decision], "uncertain", WITHHELD):
            for is_reviewed, reading in _READING.items():
                name = keys.judged(_name_kind(decision, shown), reading)
                yield name, "done", decision, is_reviewed, shown


def _name_kind(decision: str, shown: str) -> str:
    return f"{shown}-{decision}" if shown in ("uncertain", WITHHELD) else decision


_READING = {False: "to-review", True: "reviewed"}

LISTS = tuple(name for name, *_ in _list_all())
