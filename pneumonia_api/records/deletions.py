"""Records that a person deleted: hidden at once, restored on request, and gone after a while.

A deleted record keeps its hash and its preview, and is in no index but `xrays:deleted`. One that is
still queued has no result that could be missed, and is gone at once.
"""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.indexes import find_entries, remove, restore
from pneumonia_api.records.moments import write_time
from pneumonia_api.records.record import (
    DeletionRecord,
    XrayMissing,
    XrayRecord,
    read_hash,
    write_part,
)
from pneumonia_api.records.xrays import XrayStore

GRACE = timedelta(hours=1)
"""From the last moment to restore a record to its end: far more than the clocks of hosts differ."""

CHUNK = 100
"""Deleted records that are read at once."""


class DeletedByAnother(PermissionError):
    """Only who deleted a record may restore it, and who may restore everybody's."""


class Deletions:
    """Deletes and restores records. `kept` is how long a deletion can be revoked."""

    def __init__(self, client: redis.Redis, kept: timedelta) -> None:
        self._redis = client
        self._kept = kept

    def delete(self, xray_id: str, *, by: str, at: datetime) -> bool:
        """Delete a record; true if it was still queued, and nothing of it is left.

        Raises XrayMissing.
        """
        key = keys.xray(xray_id)
        until = at + self._kept
        deletion = DeletionRecord(by, write_time(at), write_time(until))

        tried = False

        def delete(pipe: redis.client.Pipeline) -> bool:
            nonlocal tried
            try:
                xray = _read(pipe, xray_id)
            except XrayMissing:
                if tried:  # an earlier attempt removed it, and its reply was lost
                    return True
                raise
            if xray.deletion and xray.deletion != deletion:
                raise XrayMissing(xray_id)
            if xray.status == "queued":
                tried = True
                XrayStore.stage_delete(pipe, xray)
            elif not xray.deletion:  # else by an earlier attempt, whose reply was lost
                entries = find_entries(pipe, xray)
                pipe.multi()
                pipe.hset(key, "deletion", write_part(asdict(deletion)))
                remove(pipe, xray, entries)
                pipe.zadd(keys.DELETED, {xray_id: until.timestamp()})
            return xray.status == "queued"

        return bool(self._redis.transaction(delete, key, value_from_callable=True))

    def restore(self, xray_id: str, *, by: str | None, at: datetime) -> XrayRecord:
        """Restore a record, which is then as it was; does nothing for one that is not deleted.

        With `by` only one that they deleted.
        Raises DeletedByAnother, or XrayMissing when it is too late.
        """
        key = keys.xray(xray_id)

        def put_back(pipe: redis.client.Pipeline) -> XrayRecord:
            xray = _read(pipe, xray_id)
            if not xray.deletion:
                return xray
            if datetime.fromisoformat(xray.deletion.until) < at:
                raise XrayMissing(xray_id)
            if by is not None and xray.deletion.by != by:
                raise DeletedByAnother(xray_id)
            pipe.multi()
            pipe.hdel(key, "deletion")
            restore(pipe, xray)
            return replace(xray, deletion=None)

        restored: XrayRecord = self._redis.transaction(put_back, key, value_from_callable=True)
        return restored

    def list_restorable(self, by: str | None, at: datetime) -> list[XrayRecord]:
        """The records that `by` deleted, or anybody, and that can be restored; the last first."""
        ids = self._redis.zrange(keys.DELETED, "+inf", at.timestamp(), byscore=True, desc=True)
        found = []
        for start in range(0, len(ids), CHUNK):
            with self._redis.pipeline(transaction=False) as pipe:
                for xray_id in ids[start : start + CHUNK]:
                    pipe.hgetall(keys.xray(xray_id))
                found += [read_hash(values) for values in pipe.execute() if values]
        return [xray for xray in found if xray.deletion and by in (None, xray.deletion.by)]


def list_expired(client: redis.Redis, at: datetime) -> list[str]:
    """Ids of the deleted records that nobody can restore any more."""
    return list(client.zrange(keys.DELETED, 0, (at - GRACE).timestamp(), byscore=True))


def forget(client: redis.Redis, xray_id: str) -> None:
    """Remove what is left of a deleted record; does nothing for any other."""

    def remove_rest(pipe: redis.client.Pipeline) -> None:
        values = pipe.hgetall(keys.xray(xray_id))
        xray = read_hash(values) if values else None
        if xray and xray.deletion:
            XrayStore.stage_delete(pipe, xray)
        else:  # restored, or removed by a host of the previous release
            pipe.multi()
            pipe.zrem(keys.DELETED, xray_id)

    client.transaction(remove_rest, keys.xray(xray_id))


def _read(pipe: redis.client.Pipeline, xray_id: str) -> XrayRecord:
    values = pipe.hgetall(keys.xray(xray_id))
    if not values:
        raise XrayMissing(xray_id)
    return read_hash(values)
