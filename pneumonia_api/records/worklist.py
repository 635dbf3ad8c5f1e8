"""The worklist: filters, search and pages over the records."""

import json
from collections.abc import Iterator

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayRecord, read_hash

MAX_SCANNED = 1000
"""Records whose text one call searches; the web page calls every few seconds."""

MAX_LISTED = 20_000
"""Ids that one call reads from an index, to look them up in the other indexes."""

_CHUNK = 1000


class Worklist:
    """Reads pages from the indexes that `XrayStore` and `Reviews` write."""

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

        `q` searches id, reference and note, ignoring case. Where few records match, the page stops
        after MAX_SCANNED or MAX_LISTED records: it is shorter, perhaps empty, but has a cursor.
        """
        if decision and status not in (None, "done"):
            return [], None  # only done records have a decision
        wanted = [keys.REVIEWED] if reviewed else []
        if decision:
            wanted.append(keys.decision(decision))
        elif status:
            wanted.append(keys.status(status))
        index = wanted.pop(0) if wanted else keys.XRAYS
        unwanted = keys.REVIEWED if reviewed is False else None

        found: list[str] = []
        scanned = listed = 0
        chunk = _CHUNK if q or unwanted or wanted else limit + 1
        for ids in self._newest(index, cursor, chunk):
            members = set(self._keep(ids, wanted, unwanted))
            texts = self._read_texts([x for x in ids if x in members]) if q else {}
            for xray_id in ids:
                listed += 1
                if xray_id in members:
                    scanned += bool(q)
                    if q.lower() in texts.get(xray_id, ""):
                        if len(found) == limit:
                            return self._read(found), found[-1]
                        found.append(xray_id)
                if scanned == MAX_SCANNED or listed == MAX_LISTED:
                    return self._read(found), xray_id
        return self._read(found), None

    def _newest(self, index: str, cursor: str | None, chunk: int) -> Iterator[list[str]]:
        last = f"({cursor}" if cursor else "+"
        while ids := self._redis.zrange(
            index, last, "-", bylex=True, desc=True, offset=0, num=chunk
        ):
            yield ids
            last = f"({ids[-1]}"

    def _keep(self, ids: list[str], wanted: list[str], unwanted: str | None) -> list[str]:
        """The ids that are in every index of `wanted` and not in `unwanted`."""
        for index in wanted:
            scores = self._redis.zmscore(index, ids) if ids else []
            ids = [x for x, score in zip(ids, scores, strict=True) if score is not None]
        if unwanted and ids:
            scores = self._redis.zmscore(unwanted, ids)
            ids = [x for x, score in zip(ids, scores, strict=True) if score is None]
        return ids

    def _read_texts(self, ids: list[str]) -> dict[str, str]:
        """The searchable text of each id, in lower case; skips the large prediction."""
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hmget(keys.xray(xray_id), "reference", "review")
            texts = {}
            for xray_id, (reference, review) in zip(ids, pipe.execute(), strict=True):
                note = json.loads(review or "{}").get("note", "")
                texts[xray_id] = f"{xray_id} {reference or ''} {note}".lower()
        return texts

    def _read(self, ids: list[str]) -> list[XrayRecord]:
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hgetall(keys.xray(xray_id))
            return [read_hash(values) for values in pipe.execute() if values]
