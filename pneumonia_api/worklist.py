"""The worklist: which records a page of it shows."""

from collections.abc import Iterator

import redis

from pneumonia_api.store import Xray, read_hash

MAX_SCANNED = 1000
"""Records that one call looks through. The page asks every few seconds, and each costs 0.1 ms."""

_CHUNK = 100


class Worklist:
    """Reads the indexes that `pneumonia_api.store` writes."""

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
    ) -> tuple[list[Xray], str | None]:
        """Up to `limit` records, newest first, and the cursor of the next page if there is one.

        `q` is looked for in id, reference and note, without regard to case. Where few records
        match, the page ends after MAX_SCANNED of them: shorter, maybe empty, but with a cursor.
        """
        if decision and status not in (None, "done"):
            return [], None  # what is not done has no decision
        index = "xrays"
        if reviewed:
            index = "xrays:reviewed"
        elif decision:
            index = f"xrays:decision:{decision}"
        elif status:
            index = f"xrays:status:{status}"

        def matches(xray: Xray) -> bool:
            decided = (xray.prediction or {}).get("decision")
            note = (xray.review or {}).get("note", "")
            return (
                status in (None, xray.status)
                and decision in (None, decided)
                and reviewed in (None, xray.review is not None)
                and q.lower() in f"{xray.id} {xray.reference} {note}".lower()
            )

        found: list[Xray] = []
        for scanned, xray in enumerate(self._newest(index, cursor), 1):
            if matches(xray):
                if len(found) == limit:
                    return found, found[-1].id
                found.append(xray)
            if scanned == MAX_SCANNED:
                return found, xray.id
        return found, None

    def _newest(self, index: str, cursor: str | None) -> Iterator[Xray]:
        last = f"({cursor}" if cursor else "+"
        while ids := self._redis.zrange(
            index, last, "-", bylex=True, desc=True, offset=0, num=_CHUNK
        ):
            with self._redis.pipeline(transaction=False) as pipe:
                for xray_id in ids:
                    pipe.hgetall(f"xray:{xray_id}")
                for values in pipe.execute():
                    if values:
                        yield read_hash(values)
            last = f"({ids[-1]}"
