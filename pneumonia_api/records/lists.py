"""The lists of records: each record is in exactly one, and every filter is a union of some.

Each is a sorted set of ids, as is the list of all records. All scores are 0, so Redis sorts the ids
by their text, which begins with the time.
"""

from collections.abc import Iterator

from pneumonia_api.records import keys
from pneumonia_api.records.record import DECISIONS, STATUSES, XrayRecord

OF_PREVIOUS_RELEASE = (
    *(keys.status(status) for status in STATUSES if status != "queued"),
    *(keys.decision(decision) for decision in DECISIONS),
    keys.REVIEWED,
)
"""This release only reads and empties them: `upgrade` moves their records."""


def list_of(xray: XrayRecord) -> str:
    """The list in which the record belongs."""
    if xray.prediction:
        return keys.judged(xray.prediction.decision, _READING[xray.review is not None])
    return keys.status("queued") if xray.status == "queued" else keys.ended(xray.status)


def select_lists(
    status: str | None, decision: str | None = None, reviewed: bool | None = None
) -> list[str]:
    """The lists whose union has all records that match the filters, and no other record."""
    if status is None and decision is None and reviewed is None:
        return [keys.XRAYS]
    return [
        name
        for name, its_status, its_decision, is_reviewed in _list_all()
        if status in (None, its_status)
        and decision in (None, its_decision)
        and reviewed in (None, is_reviewed)
    ]


def select_previous_lists(
    status: str | None, decision: str | None = None, reviewed: bool | None = None
) -> list[str]:
    """Lists of the previous release whose union has all its records that match the filters.

    It has others, too, so each record must be checked. Empty once `upgrade` has moved them.
    """
    names = {s: [keys.status(s)] for s in STATUSES if s != "queued"}
    if reviewed:
        # A host of the previous release may have reviewed a record that was moved already.
        names["done"].append(keys.REVIEWED)
    only = "done" if decision or reviewed else status
    if status not in (None, only):
        return []
    return [name for s in names for name in names[s] if only in (None, s)]


def _list_all() -> Iterator[tuple[str, str, str | None, bool]]:
    """Every list, and the status, decision and whether there is a review of its records."""
    yield keys.status("queued"), "queued", None, False
    for status in ("rejected", "failed"):
        yield keys.ended(status), status, None, False
    for decision in DECISIONS:
        for is_reviewed, reading in _READING.items():
            yield keys.judged(decision, reading), "done", decision, is_reviewed


_READING = {False: "to-review", True: "reviewed"}

LISTS = tuple(name for name, *_ in _list_all())
