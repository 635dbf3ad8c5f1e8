"""Results that go to a PACS: asked for with the reading that they are of, and then settled.

Reading, state and task are one transaction, so that none is lost and none is sent without its
reading. The task does nothing for a result that is settled, so that a second one is harmless.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

import redis
from celery import Celery

from pneumonia_api.records import keys
from pneumonia_api.records.moments import write_time
from pneumonia_api.records.publishing import compose
from pneumonia_api.records.readings import ReadingRecord
from pneumonia_api.records.record import XrayRecord, read_hash, write_part
from pneumonia_api.records.transmission import TransmissionRecord
from pneumonia_api.roles import ENTITY

TASK = "send_result"

STILL_SECONDS = 900
"""After which a result that no worker has tried is published again: longer than the longest pause
between two tries and the queue's own redelivery together."""


class Outbox:
    """The results of one site, in Redis."""

    def __init__(self, client: redis.Redis, queue: Celery) -> None:
        self._redis = client
        self._queue = queue

    def stage(self, pipe: redis.client.Pipeline, xray: XrayRecord) -> TransmissionRecord | None:
        """Ask for the result of `xray` as it was just read, in the transaction of `pipe`.

        None, and nothing is asked for, unless it came by DICOM and has a reading that stands.
        """
        reading = find_reported(xray)
        if not reading or not xray.source.startswith(ENTITY):
            return None
        wanted = TransmissionRecord("pending", reading.number, reading.reviewed_at)
        pipe.hset(keys.xray(xray.id), "transmission", write_part(asdict(wanted)))
        pipe.zadd(keys.PENDING_RESULTS, {xray.id: time.time()})
        pipe.zadd(keys.TRIED_RESULTS, {xray.id: time.time()})
        pipe.zrem(keys.REFUSED_RESULTS, xray.id)
        pipe.lpush(keys.RESULTS, compose(self._queue, xray.id, task=TASK, name=keys.RESULTS))
        return wanted

    def settle(
        self,
        xray_id: str,
        state: TransmissionRecord,
        also: Callable[[redis.client.Pipeline], None] = lambda _: None,
    ) -> bool:
        """Store what became of a try, and what `also` adds to the same transaction.

        False if the record is gone, or a later reading is pending. Raises redis.RedisError.
        """
        key = keys.xray(xray_id)

        def settle(pipe: redis.client.Pipeline) -> bool:
            values: Mapping[str, str] = pipe.hgetall(key)
            xray = read_hash(values, with_heatmap=False) if values else None
            known = xray.transmission if xray and not xray.deletion else None
            pipe.multi()
            also(pipe)
            if known is None:
                forget_result(pipe, xray_id)
                return False
            if known.reading > state.reading:
                return False
            pipe.hset(key, "transmission", write_part(asdict(state)))
            if state.status == "pending":
                pipe.zadd(keys.TRIED_RESULTS, {xray_id: time.time()})
                return True
            forget_result(pipe, xray_id)
            if state.status == "refused":
                pipe.zadd(keys.REFUSED_RESULTS, {xray_id: time.time()})
            return True

        return bool(self._redis.transaction(settle, key, value_from_callable=True))

    def forget(self, xray_id: str) -> None:
        """Nothing is to be sent of an X-ray that is gone."""
        with self._redis.pipeline() as pipe:
            forget_result(pipe, xray_id)
            pipe.execute()

    def publish_still(self) -> int:
        """Publish again what no worker has tried for STILL_SECONDS; how many that was."""
        before = time.time() - STILL_SECONDS
        ids = self._redis.zrange(keys.TRIED_RESULTS, "-inf", before, byscore=True)
        for xray_id in ids:
            with self._redis.pipeline() as pipe:
                pipe.zadd(keys.TRIED_RESULTS, {xray_id: time.time()})
                task = compose(self._queue, xray_id, task=TASK, name=keys.RESULTS)
                pipe.lpush(keys.RESULTS, task)
                pipe.execute()
        return len(ids)


def find_reported(xray: XrayRecord) -> ReadingRecord | None:
    """The reading that a report of `xray` is of: the last one that stands."""
    standing = [each for each in xray.readings if each.stands]
    return standing[-1] if standing else None


def forget_result(pipe: redis.client.Pipeline, xray_id: str) -> None:
    """Nothing is pending or refused any more, in the transaction of `pipe`."""
    for name in (keys.PENDING_RESULTS, keys.TRIED_RESULTS, keys.REFUSED_RESULTS):
        pipe.zrem(name, xray_id)


def state_now(status: str, reading: int, at: datetime, answer: str | None) -> TransmissionRecord:
    """A state from `at` on."""
    return TransmissionRecord(status, reading, write_time(at), answer)
