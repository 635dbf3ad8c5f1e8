"""The worklist: which records a page of it shows."""

import json
from collections.abc import Iterator

import redis

from pneumonia_api.store import Xray, read_hash

MAX_SCANNED = 1000
"""Records that one call looks through: 30 ms of a core, and the page asks every few seconds."""

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

        checked = decision if reviewed else None  # otherwise the index answers

        def matches(values: dict[str, str]) -> bool:
            review = json.loads(values.get("review", "{}"))
            text = f"{values['id']} {values['reference']} {review.get('note', '')}"
            return (
                status in (None, values["status"])
                and reviewed in (None, bool(review))
                and q.lower() in text.lower()
                and (not checked or checked == _read_decision(values))
            )

        found: list[Xray] = []
        for scanned, values in enumerate(self._newest(index, cursor), 1):
            if matches(values):
                if len(found) == limit:
                    return found, found[-1].id
                found.append(read_hash(values))
            if scanned == MAX_SCANNED:
                return found, values["id"]
        return found, None

    def _newest(self, index: str, cursor: str | None) -> Iterator[dict[str, str]]:
        # Not parsed: a search reads a thousand, and their heat maps cost more than all the rest.
        last = f"({cursor}" if cursor else "+"
        while ids := self._redis.zrange(
            index, last, "-", bylex=True, desc=True, offset=0, num=_CHUNK
        ):
            with self._redis.pipeline(transaction=False) as pipe:
                for xray_id in ids:
                    pipe.hgetall(f"xray:{xray_id}")
                for values in pipe.execute():
                    if values:
                        yield values
            last = f"({ids[-1]}"


def _read_decision(values: dict[str, str]) -> str | None:
    return json.loads(values.get("prediction", "{}")).get("decision")
