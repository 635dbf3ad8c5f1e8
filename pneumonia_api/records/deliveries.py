"""Leases on the X-rays that are being judged, and the search for stranded ones.

The queue redelivers a task that a worker does not acknowledge in time, whether that worker has died
or is only slow. A lease on each X-ray distinguishes the two: a live worker keeps extending it.
"""

import base64
import json
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayMissing, XrayRecord, read_hash

log = logging.getLogger(__name__)

LEASE_SECONDS = 20
"""How soon after a worker's death another one may begin; six heartbeats."""

MAX_HELD_SECONDS = 600
"""Far above the slowest X-ray, so that a hanging task does not keep its lease for ever."""

MAX_WORKERS_LOST = 8
"""Workers that may die while judging an X-ray before it is given up."""

LOST_KEPT_SECONDS = 24 * 3600

PUBLISHED_SECONDS = 45
"""How soon a stranded X-ray that was published again may be published once more."""


_BEGIN = """
local record = redis.call('HGETALL', KEYS[1])
if redis.call('HGET', KEYS[1], 'status') ~= 'queued' then return {record, 0, 0} end
redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2])
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return {record, 0, 0} end
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('EXPIRE', KEYS[3], ARGV[4])
return {record, 1, redis.call('SCARD', KEYS[3])}
"""
"""Acquires the lease KEYS[2] on the record KEYS[1] for the token ARGV[1] and ARGV[2] seconds, and
adds the process ARGV[3] to those that began (KEYS[3], kept for ARGV[4] seconds). Returns the
record, whether the lease was acquired, and how many processes began. Idempotent, because a lost
reply makes the client run it again."""

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class WorkerLost(RuntimeError):
    """Too many workers died while judging this X-ray: it may be what kills them."""


class Deliveries:
    """The leases that this process holds, and the search for stranded X-rays."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._run_begin = client.register_script(_BEGIN)
        self._run_release = client.register_script(_RELEASE)
        self._process = secrets.token_hex(8)
        # By token: id, and time.monotonic() when the lease was acquired.
        self._held: dict[str, tuple[str, float]] = {}
        self.begun_at = time.monotonic()
        """When this process last asked for a lease, on the clock `time.monotonic`."""

    @contextmanager
    def hold(self, xray_id: str) -> Iterator[XrayRecord | None]:
        """Acquire the lease for the block, and yield the record.

        Yields None while another delivery holds the lease; needs no lease for a finished record.
        Raises XrayMissing, or WorkerLost when more than MAX_WORKERS_LOST processes began on it.
        """
        token = secrets.token_hex(8)
        self.begun_at = time.monotonic()
        try:
            yield self._begin(xray_id, token)
        finally:
            self._held.pop(token, None)
            self._release(xray_id, token)

    def _begin(self, xray_id: str, token: str) -> XrayRecord | None:
        found, leased, processes = self._run_begin(
            keys=[keys.xray(xray_id), keys.lease(xray_id), keys.begun(xray_id)],
            args=[token, LEASE_SECONDS, self._process, LOST_KEPT_SECONDS],
        )
        if not found:
            raise XrayMissing(xray_id)
        xray = read_hash(dict(zip(found[::2], found[1::2], strict=True)))
        if xray.status != "queued":
            return xray
        if not leased:
            return None
        self._held[token] = xray_id, time.monotonic()
        if processes > MAX_WORKERS_LOST:
            raise WorkerLost(xray_id)
        return xray

    def _release(self, xray_id: str, token: str) -> None:
        try:
            self._run_release(keys=[keys.lease(xray_id)], args=[token])
        except redis.RedisError as error:
            log.warning("lease on %s left to expire: %s", xray_id, type(error).__name__)

    def list_held(self) -> list[str]:
        """Ids whose lease this process holds, each for at most MAX_HELD_SECONDS."""
        oldest = time.monotonic() - MAX_HELD_SECONDS
        return [xray_id for xray_id, since in list(self._held.values()) if since > oldest]

    def extend(self) -> None:
        """Extend the leases that this process holds; call it well within LEASE_SECONDS."""
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in self.list_held():
                pipe.expire(keys.lease(xray_id), LEASE_SECONDS)
            pipe.execute()

    def forget_begun(self, xray_id: str) -> None:
        """Reset the count of lost workers: this one survived, so the X-ray does not kill them."""
        self._redis.delete(keys.begun(xray_id))

    def find_stranded(self, seconds: float) -> list[str]:
        """Ids accepted more than `seconds` ago that are neither in the queue nor with a worker.

        Leaves out those that `mark_published` marked a moment ago.
        """
        before = f"({int((time.time() - seconds) * 1000):012x}"
        if not self._redis.zrange(keys.status("queued"), "-", before, bylex=True, offset=0, num=1):
            return []
        with self._redis.pipeline() as pipe:  # all three at the same moment
            pipe.zrange(keys.status("queued"), "-", before, bylex=True)
            pipe.lrange(keys.QUEUE, 0, -1)
            pipe.hvals(keys.UNACKED)
            waiting, queued, unacked = pipe.execute()
        expected = {_read_id(message) for message in (*queued, *unacked)}
        ids = [xray_id for xray_id in waiting if xray_id not in expected]
        if not ids:
            return []
        leases = self._redis.mget([keys.lease(xray_id) for xray_id in ids])
        published = self._redis.mget([keys.published(xray_id) for xray_id in ids])
        marks = zip(ids, leases, published, strict=True)
        return [xray_id for xray_id, lease, again in marks if not (lease or again)]

    def mark_published(self, xray_ids: Sequence[str]) -> None:
        """Keep these out of `find_stranded` for PUBLISHED_SECONDS."""
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in xray_ids:
                pipe.set(keys.published(xray_id), 1, ex=PUBLISHED_SECONDS)
            pipe.execute()


def _read_id(text: str) -> str | None:
    """The X-ray's id in a message as Celery writes it, in the queue or in `unacked`.

    None for a foreign message, which must not break the search.
    """
    try:
        message = json.loads(text)
        if isinstance(message, list):  # in `unacked`: message, exchange, routing key
            message = message[0]
        arguments, *_ = json.loads(base64.b64decode(message["body"]))
        return str(arguments[0])
    except (ValueError, TypeError, LookupError):
        return None
