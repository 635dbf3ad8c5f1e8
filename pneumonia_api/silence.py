"""Silent weeks: the model judges every X-ray, and no person is shown what it says.

What people get lacks each result, and whatever would lead to one: an order by it, a list or a count
of those that share it, and the reader study. It is withheld here and not by the pages, so that no
page, no export and no program with a person's session can show it, before or after they have read.
The key for machines still gets everything: the results have to go where they are compared.
"""

from collections.abc import Mapping
from typing import Any

from flask import current_app, g

from pneumonia_api.records.site import Site

RESULT = "prediction"
REVEALING_TABS = {"uncertain": "to_review"}
"""A part of the worklist that a result selects, and what is listed in its place."""

REVEALING_FILTERS = ("decision", "shown")
REVEALING_ORDERS = ("suspicion",)


def note_silence(is_person: bool) -> None:
    """Read once, before a request does anything, whether its caller is to be shown no result."""
    site: Site = current_app.extensions["site"]
    g.silenced = is_person and site.is_silent()


def is_silenced() -> bool:
    """Whether the caller of this request is to be shown no result."""
    return bool(g.get("silenced", False))


def withhold(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for this caller: the result is null in silent weeks, and `silent` says why."""
    if not is_silenced():
        return {**record, "silent": False}
    return {**record, RESULT: None, "silent": True}


def remove_revealing(query: Mapping[str, Any]) -> dict[str, Any]:
    """The query of a worklist without what a result would select or sort, in silent weeks."""
    if not is_silenced():
        return dict(query)
    kept = {**query, **dict.fromkeys(REVEALING_FILTERS)}
    kept["tab"] = REVEALING_TABS.get(kept["tab"], kept["tab"])
    if kept["sort"] in REVEALING_ORDERS:
        kept["sort"] = "newest"
    return kept


def remove_revealing_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of the worklist's tabs for this caller."""
    hidden = REVEALING_TABS if is_silenced() else ()
    return {tab: count for tab, count in counts.items() if tab not in hidden}
