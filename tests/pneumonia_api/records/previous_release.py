"""What a host of the previous release reads and writes, while others run this one already.

Its records have the heat map in the JSON of the prediction; its indexes are sorted sets by status,
decision and review, and a key for each digest; it knows no index of words and none of UNKNOWN.
"""

import json
from dataclasses import asdict, fields
from typing import Any

import redis

from pneumonia_api.records.readings import ReviewRecord
from pneumonia_api.records.record import (
    DECISIONS,
    STATUSES,
    PredictionRecord,
    QualityRecord,
    XrayRecord,
)

INDEXES = (
    "xrays",
    "xrays:reviewed",
    *(f"xrays:status:{status}" for status in STATUSES),
    *(f"xrays:decision:{decision}" for decision in DECISIONS),
)

UNKNOWN = (
    *("readings", "deletion", "scope", "outcomes", "view", "device", "burned_in", "references"),
    "transmission",
)
"""Fields of a record that came later."""

_PARTS = {"prediction": PredictionRecord, "quality": QualityRecord, "review": ReviewRecord}


def write_hash(xray: XrayRecord) -> dict[str, str]:
    """The fields of a record's hash."""
    known = {k: v for k, v in asdict(xray).items() if k not in UNKNOWN}
    values = {name: value for name, value in known.items() if value is not None}
    for name in _PARTS.keys() & values.keys():
        values[name] = json.dumps(values[name])
    return values


def read_hash(values: dict[str, str]) -> XrayRecord:
    """The record of a hash; raises TypeError if a field that it needs is absent."""
    parsed: dict[str, Any] = {name: text for name, text in values.items() if name not in UNKNOWN}
    for name in _PARTS.keys() & values.keys():
        parsed[name] = _read_known(_PARTS[name], json.loads(values[name]))
    record: XrayRecord = _read_known(XrayRecord, parsed)
    return record


def _read_known(kind: Any, values: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in known})


class PreviousRelease:
    """Its store, reviews and worklist."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def add(self, xray: XrayRecord) -> None:
        """Store a new record."""
        with self._redis.pipeline() as pipe:
            self._put(pipe, xray)
            pipe.zadd("xrays", {xray.id: 0})
            pipe.execute()

    def finish(self, xray: XrayRecord) -> None:
        """Replace a queued record by its end state."""
        assert self._redis.hget(f"xray:{xray.id}", "status") == "queued"
        with self._redis.pipeline() as pipe:
            pipe.zrem("xrays:status:queued", xray.id)
            self._put(pipe, xray)
            pipe.execute()

    def review(self, xray_id: str, review: ReviewRecord) -> None:
        """Store a review."""
        with self._redis.pipeline() as pipe:
            pipe.hset(f"xray:{xray_id}", "review", json.dumps(asdict(review)))
            pipe.zadd("xrays:reviewed", {xray_id: 0})
            pipe.execute()

    def delete(self, xray_id: str) -> None:
        """Delete a record and what this release knows of its index entries."""
        xray = self.get(xray_id)
        with self._redis.pipeline() as pipe:
            pipe.delete(f"xray:{xray_id}")
            if xray.prediction:
                reuse = f"reuse:{xray.digest}:{xray.prediction.model}"
                if self._redis.get(reuse) == xray_id:
                    pipe.delete(reuse)
            for index in INDEXES:
                pipe.zrem(index, xray_id)
            pipe.hdel("batch", xray_id[12:])
            pipe.execute()

    def get(self, xray_id: str) -> XrayRecord:
        """One record."""
        return read_hash(self._redis.hgetall(f"xray:{xray_id}"))

    def list_all(self) -> list[XrayRecord]:
        """The worklist without filters, newest first."""
        return [self.get(xray_id) for xray_id in self._redis.zrange("xrays", 0, -1, desc=True)]

    @staticmethod
    def _put(pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
        pipe.hset(f"xray:{xray.id}", mapping=write_hash(xray))
        indexes = [f"xrays:status:{xray.status}"]
        if xray.prediction:
            indexes.append(f"xrays:decision:{xray.prediction.decision}")
            pipe.set(f"reuse:{xray.digest}:{xray.prediction.model}", xray.id)
        if xray.review:
            indexes.append("xrays:reviewed")
        for index in indexes:
            pipe.zadd(index, {xray.id: 0})
