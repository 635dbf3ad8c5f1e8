"""The worklist: tabs, filters, search and pages over the records."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.lists import Filters, select, select_previous, shown_of
from pneumonia_api.records.ranges import Range, merge
from pneumonia_api.records.record import XrayRecord, read_hash
from pneumonia_api.records.search import Sources, find_sources
from pneumonia_api.records.suspicion import read_suspicious
from pneumonia_api.records.words import has_words, split_words

MAX_SCANNED = 500
"""Records that one call checks; the web page calls every few seconds."""

CHECKED_AT_ONCE = 250

TABS = {
    "to_review": Filters(status="done", reviewed=False),
    "uncertain": Filters(status="done", reviewed=False, shown="uncertain"),
    "needs_person": Filters(unanswered=True),
    "all": Filters(),
}
"""What the parts of the worklist have: the work that is left, and everything."""

ORDERS = ("newest", "oldest", "suspicion")


class NoOrder(ValueError):
    """The order by suspicion has the X-rays that are to review, and nothing else can be asked."""


@dataclass(frozen=True)
class Query:
    """Which records to show, and in which of ORDERS; each of `words` must begin a word of them."""

    filters: Filters = field(default_factory=Filters)
    words: Sequence[str] = ()
    order: str = "newest"

    @property
    def needs_all(self) -> bool:
        """Whether a record must be read whole to be checked."""
        return self.filters.shown is not None

    def accepts(self, xray: XrayRecord) -> bool:
        """Whether a record passes the filters, has the words, and was not deleted."""
        decision = xray.prediction.decision if xray.prediction else None
        reviewed = xray.review is not None
        if xray.deletion or not self.filters.accept(
            xray.status, decision, reviewed, shown_of(xray)
        ):
            return False
        note = xray.review.note if xray.review else ""
        return not self.words or has_words(self.words, xray.id, xray.reference, note)


class Worklist:
    """Reads pages from the indexes that `records.indexes` writes."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def count(self) -> dict[str, int]:
        """How many X-rays each tab has, and how many are `queued`.

        While `upgrade` moves the records of an earlier release, it counts these as not read.
        """
        names = {tab: select(filters) for tab, filters in TABS.items()}
        names["queued"] = select(Filters(status="queued"))
        for tab in ("to_review", "needs_person"):
            names[tab] += select_previous(TABS[tab])
        with self._redis.pipeline(transaction=False) as pipe:
            for name in (name for each in names.values() for name in each):
                pipe.zcard(name)
            sizes = iter(pipe.execute())
        return {tab: sum(next(sizes) for _ in each) for tab, each in names.items()}

    def page(
        self,
        *,
        status: str | None = None,
        decision: str | None = None,
        reviewed: bool | None = None,
        shown: str | None = None,
        tab: str | None = None,
        sort: str = "newest",
        q: str = "",
        cursor: str | None = None,
        limit: int,
    ) -> tuple[list[XrayRecord], str | None]:
        """Up to `limit` records in the order `sort`, and the cursor of the next page if there is
        one, which is the id of the last record.

        `tab` is one of TABS; the filters narrow it. Each word of `q` must begin a word of the
        reference or of the note, or the id; case is ignored (`records.words`). A search for words
        that many X-rays have stops after MAX_SCANNED records: the page is shorter, perhaps empty,
        but has a cursor. Raises NoOrder.
        """
        cursor = cursor or None  # an empty parameter asks for the first page
        filters = _narrow(TABS[tab or "all"], status, decision, reviewed, shown)
        if filters is None:
            return [], None
        query = Query(filters, split_words(q), sort)
        if q.strip() and not query.words:
            return [], None
        if sort == "suspicion" and (query.words or filters != TABS["to_review"]):
            raise NoOrder

        found: list[XrayRecord] = []
        scanned, last = 0, cursor
        lists = select(query.filters)
        sources = find_sources(self._redis, query.words, lists) if query.words else None
        # Where the index has answered the whole question, nothing but the shown records is read.
        is_checked = not sources or (
            sources.have_word and len(query.words) == 1 and query.filters == Filters()
        )
        count = limit + 1 if is_checked else CHECKED_AT_ONCE
        for ids_read in self._list_ids(query, sources, cursor, count):
            matching = ids_read if is_checked else self._search(ids_read, query)
            while matching:
                room = limit - len(found)
                if not room:
                    return found, last
                taken, matching = matching[:room], matching[room:]
                found += self._read(taken, query)
                last = taken[-1]
            scanned += len(ids_read)
            if scanned >= MAX_SCANNED:
                return found, ids_read[-1]
        return found, None

    def _list_ids(
        self, query: Query, sources: Sources | None, after: str | None, count: int
    ) -> Iterator[list[str]]:
        """The ids of the query's lists that follow `after`, `count` or more at a time.

        For a search they are those of its `sources`.
        """
        if query.order == "suspicion":
            while ids := read_suspicious(self._redis, after, count):
                yield ids
                after = ids[-1]
            return
        ranges, ids = [Range(name) for name in select(query.filters)], list[str]()
        if sources:
            ranges, ids = sources.ranges, sources.ids
        ranges += [Range(name) for name in select_previous(query.filters)]
        oldest_first = query.order == "oldest"
        yield from merge(self._redis, ranges, ids, after, count, oldest_first=oldest_first)

    def _search(self, ids: list[str], query: Query) -> list[str]:
        """The ids whose record the query accepts; reads no more of each than that takes."""
        if query.needs_all:
            return [xray.id for xray in self._read(ids, query)]
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hmget(keys.xray(xray_id), "status", "reference", "prediction", "review")
            replies = zip(ids, pipe.execute(), strict=True)
        matching = []
        for xray_id, (status, reference, prediction, review) in replies:
            note = json.loads(review)["note"] if review else ""
            if status and has_words(query.words, xray_id, reference or "", note):
                asks = query.filters.decision and prediction
                decision = json.loads(prediction)["decision"] if asks else None
                if query.filters.accept(status, decision, review is not None):
                    matching.append(xray_id)
        return matching

    def _read(self, ids: list[str], query: Query) -> list[XrayRecord]:
        """The records of `ids`, without those deleted or changed since the index was read.

        And without their heat maps, which no list shows.
        """
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hgetall(keys.xray(xray_id))
            found = pipe.execute()
        xrays = [read_hash(values, with_heatmap=False) for values in found if values]
        return [xray for xray in xrays if query.accepts(xray)]


def _narrow(
    tab: Filters,
    status: str | None,
    decision: str | None,
    reviewed: bool | None,
    shown: str | None,
) -> Filters | None:
    """The filters of a tab with those of a person; None where no record can pass both."""
    asked: dict[str, Any] = {
        "status": status,
        "decision": decision,
        "reviewed": reviewed,
        "shown": shown,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if any(getattr(tab, name) not in (None, value) for name, value in given.items()):
        return None
    return replace(tab, **given)
