"""What the worklist may say to a reader who answers before they see the AI result.

Not only a result gives it away: so does an order by it, a list or a count of those that share it,
or a filter. The result itself is withheld by `verdict`, for each X-ray until its reader has
answered; the rest is withheld here, always, because it speaks of all X-rays at once.
"""

from collections.abc import Mapping

from flask import current_app, session

from pneumonia_web.records import Xray
from pneumonia_web.verdict import Verdict, find_verdict

REVEALING_TABS = frozenset({"uncertain"})
REVEALING_FILTERS = frozenset({"decision", "shown"})
REVEALING_ORDERS = frozenset({"suspicion"})


def reads_first() -> bool:
    """Whether who is logged in sees AI results only after their own reading."""
    return bool(current_app.config["READS_FIRST"] or session.get("reads_first", False))


def blind_reader() -> str | None:
    """Who is logged in, if they read first."""
    return session["user"] if reads_first() else None


def judge_for_reader(xray: Xray) -> Verdict:
    """What may be said of an X-ray that is done to who is logged in."""
    return find_verdict(xray, blind_reader())


def remove_revealing(query: Mapping[str, str]) -> dict[str, str]:
    """The query of a worklist without what would select or sort by AI results, however it came."""
    if not reads_first():
        return dict(query)
    kept = {name: value for name, value in query.items() if name not in REVEALING_FILTERS}
    if kept.get("tab") in REVEALING_TABS:
        del kept["tab"]
    if kept.get("sort") in REVEALING_ORDERS:
        del kept["sort"]
    return kept


def remove_revealing_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of the tabs that may be offered."""
    hidden = REVEALING_TABS if reads_first() else frozenset[str]()
    return {tab: count for tab, count in counts.items() if tab not in hidden}
