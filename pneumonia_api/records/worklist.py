"""The worklist: filters, search and pages over the records."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.lists import select_lists, select_previous_lists
from pneumonia_api.records.ranges import Range, merge
from pneumonia_api.records.record import XrayRecord, read_hash
from pneumonia_api.records.search import find_sources
from pneumonia_api.records.words import has_words, split_words

MAX_SCANNED = 500
"""Records that one call checks; the web page calls every few seconds."""

CHECKED_AT_ONCE = 250


@dataclass(frozen=True)
class Query:
    """What a record must be, and which words it must have, to be shown."""

    status: str | None = None
    decision: str | None = None
    reviewed: bool | None = None
    words: Sequence[str] = ()

    def accepts(self, status: str, decision: str | None, reviewed: bool) -> bool:
        """Whether a record passes the filters."""
        return (
            self.status in (None, status)
            and self.decision in (None, decision)
            and self.reviewed in (None, reviewed)
        )


class Worklist:
    """Reads pages from the indexes that `records.indexes` writes."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def page(
        self,
        *,
        status: str | None = None,
        decision: str | None = None,
        reviewed: bool | None = None,
        q: str = "",
        cursor: str | None = None,
        limit: int,
    ) -> tuple[list[XrayRecord], str | None]:
        """Up to `limit` records, newest first, and the cursor of the next page if there is one.

        Each word of `q` must begin a word of the reference or of the note, or the id; case is
        ignored (`records.words`). A search for words that many X-rays have stops after MAX_SCANNED
        records: the page is shorter, perhaps empty, but has a cursor.
        """
        cursor = cursor or None  # an empty parameter asks for the first page
        query = Query(status, decision, reviewed, split_words(q))
        if q.strip() and not query.words:
            return [], None
        filters = (status, decision, reviewed)
        lists = select_lists(*filters)
        ranges, ids = [Range(name) for name in lists], list[str]()
        if query.words:
            sources = find_sources(self._redis, query.words, lists)
            ranges, ids = sources.ranges, sources.ids
        ranges += [Range(name) for name in select_previous_lists(*filters)]

        found: list[XrayRecord] = []
        scanned, last = 0, cursor
        count = CHECKED_AT_ONCE if query.words else limit + 1
        for ids_read in merge(self._redis, ranges, ids, cursor, count):
            matching = self._search(ids_read, query) if query.words else ids_read
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

    def _search(self, ids: list[str], query: Query) -> list[str]:
        """The ids whose record the query accepts; reads no more of each than that takes."""
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hmget(keys.xray(xray_id), "status", "reference", "prediction", "review")
            replies = zip(ids, pipe.execute(), strict=True)
        matching = []
        for xray_id, (status, reference, prediction, review) in replies:
            note = json.loads(review)["note"] if review else ""
            if status and has_words(query.words, xray_id, reference or "", note):
                decision = query.decision and prediction and json.loads(prediction)["decision"]
                if query.accepts(status, decision, review is not None):
                    matching.append(xray_id)
        return matching

    def _read(self, ids: list[str], query: Query) -> list[XrayRecord]:
        """The records of `ids`, without those deleted or changed since the index was read."""
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hgetall(keys.xray(xray_id))
            xrays = [read_hash(values) for values in pipe.execute() if values]
        return [
            xray
            for xray in xrays
            if not xray.deletion
            and query.accepts(
                xray.status,
                xray.prediction.decision if xray.prediction else None,
                xray.review is not None,
            )
        ]
