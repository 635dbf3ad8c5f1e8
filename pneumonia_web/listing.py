"""What the worklist lists: its tabs, filters and orders, as they stand in the query of a page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from pneumonia_web.api_client import ApiClient
from pneumonia_web.blinding import note_silence, remove_revealing, remove_revealing_counts
from pneumonia_web.language import N_
from pneumonia_web.records import Page, Xray

PAGE_SIZE = 25

EXPORT_SIZE = 200
"""X-rays of one call for an export, the most that the API gives."""

MAX_CALLS = 50
"""Calls for one export or search: an export has up to 10,000 X-rays."""

TABS = {
    "to_review": N_("To review"),
    "uncertain": N_("Uncertain"),
    "needs_person": N_("Needs a person"),
    "all": N_("All"),
}

ORDERS = {
    "newest": N_("Newest first"),
    "oldest": N_("Waiting longest"),
    "suspicion": N_("Most suspicious"),
}

FILTERS = ("status", "decision", "shown", "reviewed")

NAMES = ("tab", "sort", *FILTERS, "q")
"""The parameters that say which list it is; `cursor` says which page of it."""


@dataclass(frozen=True)
class Listing:
    """A list as a person chose it. `query` has what differs from the first page of `to_review`."""

    query: Mapping[str, Any]

    @property
    def tab(self) -> str:
        """A search goes over everything, and so does a filter without a tab."""
        if "q" in self.query:
            return "all"
        filtered = any(name in self.query for name in FILTERS)
        return str(self.query.get("tab") or ("all" if filtered else "to_review"))

    @property
    def sort(self) -> str:
        """Only all that is to review, and nothing less, can be sorted by suspicion."""
        sort = self.query.get("sort", "newest")
        return sort if sort != "suspicion" or self.may_sort_by_suspicion else "newest"

    @property
    def may_sort_by_suspicion(self) -> bool:
        """Whether the list has that order."""
        return self.tab == "to_review" and not any(name in self.query for name in FILTERS)

    def ask(self, **more: str | int) -> dict[str, str]:
        """The query to the API."""
        filters = {name: value for name, value in self.query.items() if name in (*FILTERS, "q")}
        # An X-ray without a prediction cannot be reviewed yet, or ever.
        judged = {"status": "done"} if filters.get("reviewed") == "false" else {}
        asked = {**judged, **filters, "tab": self.tab, "sort": self.sort}
        return {**asked, **{name: str(value) for name, value in more.items()}}


def read_listing() -> Listing:
    """The list that the query of this request names, as far as its reader may see it."""
    asked = {name: request.args[name] for name in NAMES if request.args.get(name)}
    return Listing(remove_revealing(asked))


def read_place() -> dict[str, Any]:
    """The query of the list, and of the page in it, from which this page was opened."""
    cursor = request.args.get("cursor")
    return {**read_listing().query, **({"cursor": cursor} if cursor else {})}


def read_page(client: ApiClient, token: str, listing: Listing, cursor: str | None) -> Page:
    """One page, with the counts that its reader may see."""
    asked = listing.ask(limit=PAGE_SIZE, **({"cursor": cursor} if cursor else {}))
    page = client.list(token, asked)
    note_silence(page)
    page["counts"] = remove_revealing_counts(page.get("counts", {}))
    return page


def read_all(client: ApiClient, token: str, listing: Listing) -> Iterator[Xray]:
    """Its X-rays, up to what MAX_CALLS give."""
    cursor: str | None = ""
    for _ in range(MAX_CALLS):
        page = client.list(token, listing.ask(limit=EXPORT_SIZE, cursor=cursor or ""))
        yield from page["xrays"]
        if not (cursor := page["cursor"]):
            return


def find_next(client: ApiClient, token: str, listing: Listing, after: str) -> str | None:
    """The id of the next X-ray of the list that nobody has read; after the last, of the first.

    None if no other is left.
    """
    unread = {"reviewed": "false"}
    if listing.tab != "needs_person" and "status" not in listing.query:
        unread["status"] = "done"
    for start in (after, ""):
        cursor: str | None = start
        for _ in range(MAX_CALLS):
            page = client.list(token, listing.ask(**unread, cursor=cursor or "", limit=2))
            others = [xray["id"] for xray in page["xrays"] if xray["id"] != after]
            if others:
                return others[0]
            if not (cursor := page["cursor"]):
                break
    return None
