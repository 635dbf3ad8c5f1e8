"""The workers that are alive, by their heartbeats."""

import time

import redis

from pneumonia_api.records import keys

HEARTBEAT_SECONDS = 10
"""A worker that has not beaten for so long counts as dead."""


class Workers:
    """Writes and counts heartbeats."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def beat(self, name: str) -> None:
        """Record that the worker `name` is alive and has a warm model."""
        with self._redis.pipeline() as pipe:
            pipe.set(keys.worker(name), int(time.time()), ex=HEARTBEAT_SECONDS)
            pipe.sadd(keys.WORKERS, name)
            pipe.execute()

    def stop_beating(self, name: str) -> None:
        """Record that the worker `name` has gone."""
        with self._redis.pipeline() as pipe:
            pipe.delete(keys.worker(name))
            pipe.srem(keys.WORKERS, name)
            pipe.execute()

    def count(self) -> int:
        """How many warm workers are alive. Raises RedisError when Redis does not answer."""
        # By name, because a scan of the whole keyspace is slow.
        names = self._redis.smembers(keys.WORKERS)
        return int(self._redis.exists(*map(keys.worker, names))) if names else 0
