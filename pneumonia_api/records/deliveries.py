"""Who is at work on an X-ray, and which X-rays nobody is about to judge.

The queue delivers a task again when a worker does not confirm it in time, whether that worker has
died or is only slow. A lease for each X-ray separates the two: a living worker extends it.
"""

import base64
import json
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import redis

from pneumonia_api.records.xrays import IN_HANDS, QUEUE, XrayMissing, XrayRecord, read_hash

log = logging.getLogger(__name__)

LEASE_SECONDS = 20
"""Six beats of a worker: how soon after its death another one may begin."""

MAX_HELD_SECONDS = 600
"""Far above the slowest film: a task that hangs does not keep its X-ray for ever."""

MAX_WORKERS_LOST = 8
"""Workers that may die one after the other over an X-ray before it is given up."""

LOST_KEPT_SECONDS = 24 * 3600

PUBLISHED_SECONDS = 45
"""How soon an X-ray that was published again may be published once more."""


class WorkerLost(RuntimeError):
    """Too many workers began on this X-ray and never finished: it may be what ends them."""


class Deliveries:
    """Leases of this process and the search for stranded X-rays. Keys: `records.xrays`."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._process = secrets.token_hex(8)
        self._held: dict[str, float] = {}  # id -> when it was taken, in seconds of time.monotonic

    @contextmanager
    def hold(self, xray_id: str) -> Iterator[XrayRecord | None]:
        """The record, which no other delivery gets while the block runs and this process lives.

        None while another delivery holds it. Raises XrayMissing, or WorkerLost after
        MAX_WORKERS_LOST processes that began on it and never came back.
        """
        token = secrets.token_hex(8)
        try:
            yield self._begin(xray_id, token)
        finally:
            self._held.pop(xray_id, None)
            self._release(xray_id, token)

    def _begin(self, xray_id: str, token: str) -> XrayRecord | None:
        # Both transactions may be carried out twice, when only the first answer was lost.
        with self._redis.pipeline() as pipe:
            pipe.hgetall(f"xray:{xray_id}")
            pipe.set(f"lease:{xray_id}", token, nx=True, ex=LEASE_SECONDS)
            pipe.get(f"lease:{xray_id}")
            values, _, holder = pipe.execute()
        if not values:
            raise XrayMissing(xray_id)
        xray = read_hash(values)
        if xray.status != "queued":
            return xray
        if holder != token:
            return None
        self._held[xray_id] = time.monotonic()
        with self._redis.pipeline() as pipe:
            pipe.sadd(f"begun:{xray_id}", self._process)
            pipe.expire(f"begun:{xray_id}", LOST_KEPT_SECONDS)
            pipe.scard(f"begun:{xray_id}")
            processes = pipe.execute()[2]
        if processes > MAX_WORKERS_LOST:
            raise WorkerLost(xray_id)
        return xray

    def _release(self, xray_id: str, token: str) -> None:
        key = f"lease:{xray_id}"

        def release(pipe: redis.client.Pipeline) -> None:
            held = pipe.get(key) == token
            pipe.multi()
            if held:
                pipe.delete(key)

        try:
            self._redis.transaction(release, key)
        except redis.RedisError as error:
            log.warning("the lease of %s ends by itself: %s", xray_id, type(error).__name__)

    def list_held(self) -> list[str]:
        """Ids that this process is at work on, for no longer than MAX_HELD_SECONDS each."""
        oldest = time.monotonic() - MAX_HELD_SECONDS
        return [xray_id for xray_id, since in list(self._held.items()) if since > oldest]

    def extend(self) -> None:
        """Keep what this process holds; called more often than LEASE_SECONDS."""
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in self.list_held():
                pipe.expire(f"lease:{xray_id}", LEASE_SECONDS)
            pipe.execute()

    def forget_begun(self, xray_id: str) -> None:
        """Count from nothing: this process lived on, so the X-ray is not what ends workers."""
        self._redis.delete(f"begun:{xray_id}")

    def find_stranded(self, seconds: float) -> list[str]:
        """Ids accepted more than `seconds` ago that are in no queue and in nobody's hands.

        Without those of `mark_published` that were published again a moment ago.
        """
        before = f"({int((time.time() - seconds) * 1000):012x}"
        if not self._redis.zrange("xrays:status:queued", "-", before, bylex=True, offset=0, num=1):
            return []
        with self._redis.pipeline() as pipe:  # all three as they are at one moment
            pipe.zrange("xrays:status:queued", "-", before, bylex=True)
            pipe.lrange(QUEUE, 0, -1)
            pipe.hvals(IN_HANDS)
            waiting, queued, delivered = pipe.execute()
        expected = {_read_id(message) for message in (*queued, *delivered)}
        ids = [xray_id for xray_id in waiting if xray_id not in expected]
        if not ids:
            return []
        leases = self._redis.mget([f"lease:{xray_id}" for xray_id in ids])
        published = self._redis.mget([f"published:{xray_id}" for xray_id in ids])
        both = zip(ids, leases, published, strict=True)
        return [xray_id for xray_id, lease, again in both if not (lease or again)]

    def mark_published(self, xray_ids: Sequence[str]) -> None:
        """Leave these out of `find_stranded` for PUBLISHED_SECONDS."""
        with self._redis.pipeline(transaction=False) as pipe:
            for xray_id in xray_ids:
                pipe.set(f"published:{xray_id}", 1, ex=PUBLISHED_SECONDS)
            pipe.execute()


def _read_id(text: str) -> str | None:
    """The X-ray of a message as Celery writes it, in the queue or with its place in a list.

    None for a message of another kind, which must not end the search.
    """
    try:
        message = json.loads(text)
        if isinstance(message, list):  # in a worker's hands: message, exchange, routing key
            message = message[0]
        arguments, *_ = json.loads(base64.b64decode(message["body"]))
        return str(arguments[0])
    except (ValueError, TypeError, LookupError):
        return None
