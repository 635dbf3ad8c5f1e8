"""What the worklist may say to a reader who is not to see the AI result, yet or at all.

Not only a result gives it away: so does an order by it, a list or a count of those that share it,
or a filter. The result itself is withheld by `verdict`, for each X-ray until its reader has
answered; the rest is withheld here, always, because it speaks of all X-rays at once. In silent
weeks the API gives no result to anybody who is logged in, and the pages offer nothing that would
need one.
"""

from collections.abc import Mapping

from flask import current_app, g, session

from pneumonia_web.records import Page, Xray
from pneumonia_web.verdict import Verdict, find_verdict

REVEALING_TABS = frozenset({"uncertain"})
REVEALING_FILTERS = frozenset({"decision", "shown"})
REVEALING_ORDERS = frozenset({"suspicion"})


def reads_first() -> bool:
    """Whether who is logged in sees AI results only after their own reading."""
    return bool(current_app.config["READS_FIRST"] or session.get("reads_first", False))


def note_silence(answer: Page | Xray) -> None:
    """Remember for this request whether the API says that the site is in silent weeks."""
    g.silent = bool(answer.get("silent", False))


def hides_results() -> bool:
    """Whether the worklist gives nothing of AI results to who is logged in."""
    return reads_first() or bool(g.get("silent", False))


def judge_for_reader(xray: Xray) -> Verdict:
    """What may be said of an X-ray that is done to who is logged in."""
    waits = reads_first() or xray.get("silent", False)
    return find_verdict(xray, session["user"] if waits else None)


def remove_revealing(query: Mapping[str, str]) -> dict[str, str]:
    """The query of a worklist without what would select or sort by AI results, however it came."""
    if not hides_results():
        return dict(query)
    kept = {name: value for name, value in query.items() if name not in REVEALING_FILTERS}
    if kept.get("tab") in REVEALING_TABS:
        del kept["tab"]
    if kept.get("sort") in REVEALING_ORDERS:
        del kept["sort"]
    return kept


def remove_revealing_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of the tabs that may be offered."""
    hidden = REVEALING_TABS if hides_results() else frozenset[str]()
    return {tab: count for tab, count in counts.items() if tab not in hidden}
