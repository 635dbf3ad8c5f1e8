"""Records and their indexes. A record and its indexes change in one transaction."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.indexes import find_entries, put, remove
from pneumonia_api.records.profiles import Profiles, name_judge
from pneumonia_api.records.record import (
    BATCH_SOURCE,
    XrayMissing,
    XrayRecord,
    fingerprint_file,
    fingerprint_of,
    read_hash,
)
from pneumonia_api.records.reuse import ReuseEntry
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.words import entries_of

ANNOUNCED_SECONDS = 60
"""Above the longest wait."""

BLOCK_SECONDS = 3
"""Below the socket timeout, so that a hanging Redis is noticed."""

STATUSES_AT_ONCE = 1000


_END = """
if redis.call('HGET', KEYS[1], 'status') == 'queued' then
  for _, command in ipairs(cjson.decode(ARGV[2])) do redis.call(unpack(command)) end
  return 1
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  for _, value in ipairs(entry[2]) do if value == ARGV[1] then return 1 end end
end
return 0
"""
"""Runs the commands ARGV[2] if the record KEYS[1] is queued. Otherwise it returns whether the
stream KEYS[2] says that an earlier attempt of the call ARGV[1], whose reply was lost, ran them."""


class XrayStore:
    """Reads and writes records."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._run_end = client.register_script(_END)

    def add(self, xray: XrayRecord, task: str | None = None) -> None:
        """Store a new record, whatever its status, and queue its `task` (`publishing.compose`)."""
        with self._redis.pipeline() as pipe:
            self.stage(pipe, xray, task)
            pipe.execute()

    def stage(self, pipe: redis.client.Pipeline, xray: XrayRecord, task: str | None = None) -> None:
        """The same as part of the transaction of `pipe`."""
        put(pipe, xray)
        pipe.zadd(keys.XRAYS, {xray.id: 0})
        if task:
            pipe.lpush(keys.QUEUE, task)

    def add_scored(self, xrays: Sequence[XrayRecord]) -> list[XrayRecord]:
        """Store new records of an archive and the fingerprints of their files, in one transaction.

        Returns the records that were not stored because another run has stored the same file.
        """
        if not xrays:
            return []
        fingerprints = [fingerprint_of(xray.id) for xray in xrays]

        def add_new(pipe: redis.client.Pipeline) -> list[XrayRecord]:
            stored = pipe.hmget(keys.SCORED, fingerprints)
            pipe.multi()
            for xray, fingerprint, xray_id in zip(xrays, fingerprints, stored, strict=True):
                if xray_id is None:
                    self.stage(pipe, xray)
                    pipe.hset(keys.SCORED, fingerprint, xray.id)
            # The record's own id: an earlier attempt was committed and only the reply was lost.
            pairs = zip(xrays, stored, strict=True)
            return [xray for xray, xray_id in pairs if xray_id not in (None, xray.id)]

        return list(self._redis.transaction(add_new, keys.SCORED, value_from_callable=True))

    def find_scored(self, fingerprints: Sequence[str]) -> list[str | None]:
        """The id of each file's record; None for a file that was not scored yet."""
        return list(self._redis.hmget(keys.SCORED, list(fingerprints))) if fingerprints else []

    def get(self, xray_id: str) -> XrayRecord:
        """One record that is not deleted. Raises XrayMissing."""
        values = self._redis.hgetall(keys.xray(xray_id))
        if not values or "deletion" in values:
            raise XrayMissing(xray_id)
        return read_hash(values)

    def exists(self, xray_id: str) -> bool:
        """Whether the record exists, also if it is deleted and could be restored."""
        return bool(self._redis.exists(keys.xray(xray_id)))

    def finish(self, xray: XrayRecord) -> bool:
        """Replace a queued record by its end state and announce it.

        False, and nothing is written, when the record was deleted or finished in the meantime.
        Safe to retry: after a lost reply, a second attempt reads the result of the first.
        """
        call = secrets.token_hex(8)
        with self._redis.pipeline() as pipe:  # only collects the commands for the script
            pipe.zrem(keys.status("queued"), xray.id)
            pipe.delete(keys.begun(xray.id), keys.lease(xray.id))
            if _was_decided_otherwise(xray):
                pipe.hdel(keys.SCORED, fingerprint_of(xray.id))
            if xray.accession:  # it is found by that now, not by its id as it is shown
                pipe.zrem(keys.WORDS, *entries_of(replace(xray, reference="")))
            put(pipe, xray)
            self._announce_end(pipe, xray.id, xray.status, call)
            commands = [[str(part) for part in parts] for parts, _ in pipe.command_stack]
        return bool(
            self._run_end(
                keys=[keys.xray(xray.id), keys.finished(xray.id)], args=[call, json.dumps(commands)]
            )
        )

    def delete(self, xray: XrayRecord) -> None:
        """Delete a record and all its index entries, as they are now and not as `xray` was read.

        It cannot be restored (`records.deletions` has those that can).
        """
        key = keys.xray(xray.id)

        def forget(pipe: redis.client.Pipeline) -> None:
            values = pipe.hgetall(key)
            self.stage_delete(pipe, read_hash(values) if values else xray)

        self._redis.transaction(forget, key)

    @classmethod
    def stage_delete(cls, pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
        """The same as the transaction of `pipe`, which watches the record as it is now."""
        entered = find_entries(pipe, xray)
        pipe.multi()
        names = (keys.xray, keys.begun, keys.lease, keys.published)
        pipe.delete(*(name(xray.id) for name in names))
        remove(pipe, xray, entered)
        cls._announce_end(pipe, xray.id, "deleted")

    def find_same(self, digest: str) -> XrayRecord | None:
        """A finished record of identical bytes, judged as the workers would judge them now.

        That is by the model that they serve and the site profile that is switched on for it.
        """
        version = ServedModel(self._redis).get_version()
        if not version:
            return None
        judge = name_judge(version, Profiles(self._redis).find_applied(version))
        for xray_id in ReuseEntry(digest, judge).read(self._redis):
            try:
                same = self.get(xray_id)
            except XrayMissing:
                continue
            if same.digest == digest and same.prediction and same.prediction.judge == judge:
                return same
        return None

    def is_empty(self) -> bool:
        """Whether there are no records at all."""
        return not self._redis.exists(keys.XRAYS)

    def read_statuses(self, xray_ids: Sequence[str]) -> dict[str, str]:
        """Status by id, of those ids that have a record, also of those that could be restored."""
        found: dict[str, str] = {}
        for start in range(0, len(xray_ids), STATUSES_AT_ONCE):
            ids = xray_ids[start : start + STATUSES_AT_ONCE]
            with self._redis.pipeline(transaction=False) as pipe:
                for xray_id in ids:
                    pipe.hget(keys.xray(xray_id), "status")
                statuses = zip(ids, pipe.execute(), strict=True)
            found.update({xray_id: status for xray_id, status in statuses if status})
        return found

    def wait_finished(self, xray: XrayRecord, seconds: float) -> XrayRecord:
        """The record once it is not queued, or as it is after `seconds`. Raises XrayMissing.

        `xray` is the record as it was read or written a moment ago.
        """
        end = time.monotonic() + seconds
        while xray.status == "queued" and (left := end - time.monotonic()) > 0:
            # Read from the start of the stream: no wake-up since `xray` was read is lost, and any
            # number of callers may wait.
            block = int(min(left, BLOCK_SECONDS) * 1000) + 1
            self._redis.xread({keys.finished(xray.id): "0"}, count=1, block=block)
            xray = self.get(xray.id)
        return xray

    @staticmethod
    def _announce_end(pipe: redis.client.Pipeline, xray_id: str, how: str, call: str = "") -> None:
        pipe.xadd(keys.finished(xray_id), {"how": how, "call": call})
        pipe.expire(keys.finished(xray_id), ANNOUNCED_SECONDS)


def _was_decided_otherwise(xray: XrayRecord) -> bool:
    """Whether the run that sent a file of an archive expected another model or site profile.

    Such as before a switch; then the file counts as not scored by what was expected.
    """
    if xray.source != BATCH_SOURCE or not xray.prediction:
        return False
    return fingerprint_of(xray.id) != fingerprint_file(xray.digest, xray.prediction.judge)
