"""`pneumonia_api.records.workers` on a real Redis."""

import redis

from pneumonia_api.records.workers import Workers


def test_worker_is_alive_while_it_beats(client: redis.Redis) -> None:
    """The heartbeat of a killed worker expires."""
    workers = Workers(client)
    assert workers.count() == 0
    workers.beat("celery@host")
    assert workers.count() == 1
    assert 0 < client.ttl("worker:celery@host") <= 10
    workers.stop_beating("celery@host")
    assert workers.count() == 0
