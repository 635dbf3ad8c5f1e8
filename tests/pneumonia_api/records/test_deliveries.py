"""`pneumonia_api.records.deliveries` on a real Redis, with messages as Celery writes them."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from celery import Celery

from pneumonia_api.records import keys
from pneumonia_api.records.deliveries import (
    LEASE_SECONDS,
    MAX_HELD_SECONDS,
    MAX_WORKERS_LOST,
    Deliveries,
    WorkerLost,
)
from pneumonia_api.records.publishing import create_queue, publish
from pneumonia_api.records.record import XrayMissing, XrayRecord, new_xray
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.housekeeping import STRANDED_SECONDS, publish_stranded
from tests.pneumonia_api.records.judged import done


@pytest.fixture
def xrays(client: redis.Redis) -> XrayStore:
    """An empty store."""
    return XrayStore(client)


@pytest.fixture
def queue() -> Iterator[Celery]:
    """The API's queue."""
    with create_queue() as app:
        yield app


def add_old(xrays: XrayStore) -> XrayRecord:
    """An X-ray accepted a minute ago."""
    xray = new_xray("doctor", "d")
    sent = int(xray.id[:12], 16) - 60_000
    xray = replace(xray, id=f"{sent:012x}{xray.id[12:]}")
    xrays.add(xray)
    return xray


def test_stranded_xray_is_found_behind_a_long_queue(
    xrays: XrayStore, client: redis.Redis, queue: Celery
) -> None:
    """A backlog does not hide it, and the backlog is not published again."""
    deliveries = Deliveries(client)
    waiting = [add_old(xrays) for _ in range(200)]
    for xray in waiting:
        publish(client, queue, xray.id)
    stranded = add_old(xrays)
    xrays.add(new_xray("doctor", "sent this moment"))
    assert deliveries.find_stranded(STRANDED_SECONDS) == [stranded.id]
    for _ in range(3):
        publish_stranded(client, deliveries, queue)
    assert client.llen(keys.QUEUE) == len(waiting) + 1


def test_what_a_worker_has_is_not_stranded(
    xrays: XrayStore, client: redis.Redis, queue: Celery
) -> None:
    """Neither an unacknowledged task nor an X-ray under lease is stranded."""
    deliveries = Deliveries(client)
    delivered, held, lost = (add_old(xrays) for _ in range(3))
    publish(client, queue, delivered.id)
    message = json.loads(client.lpop(keys.QUEUE))
    client.hset(keys.UNACKED, "tag", json.dumps([message, "predict", "predict"]))
    with Deliveries(client).hold(held.id) as xray:
        assert xray == held
        assert deliveries.find_stranded(STRANDED_SECONDS) == [lost.id]
    assert deliveries.find_stranded(STRANDED_SECONDS) == sorted([held.id, lost.id])


def test_stranded_xray_is_published_again_only_so_often(
    xrays: XrayStore, client: redis.Redis, queue: Celery
) -> None:
    """If its message is lost each time, there is a pause before the next."""
    deliveries = Deliveries(client)
    xray = add_old(xrays)
    for _ in range(5):
        publish_stranded(client, deliveries, queue)
        client.ltrim(keys.QUEUE, 1, 0)
    assert deliveries.find_stranded(STRANDED_SECONDS) == []
    assert 0 < client.ttl(f"published:{xray.id}") <= 45
    client.delete(f"published:{xray.id}")
    assert deliveries.find_stranded(STRANDED_SECONDS) == [xray.id]


@pytest.mark.parametrize(
    "text", ["task", "7", "[]", "{}", '{"body": 1}', '{"body": "AA=="}', '{"body": "e30="}']
)
def test_message_of_another_kind_ends_no_search(
    text: str, xrays: XrayStore, client: redis.Redis
) -> None:
    """The timer ignores foreign messages in the queue, and finds the stranded X-ray."""
    xray = add_old(xrays)
    client.rpush(keys.QUEUE, text)
    client.hset(keys.UNACKED, "tag", text)
    assert Deliveries(client).find_stranded(STRANDED_SECONDS) == [xray.id]


def test_lease_belongs_to_one_delivery_at_a_time(xrays: XrayStore, client: redis.Redis) -> None:
    """Until the first delivery ends, a second one gets nothing, in whichever process."""
    one, other = Deliveries(client), Deliveries(client)
    xray = add_old(xrays)
    with one.hold(xray.id) as first:
        assert first == xray
        for deliveries in (one, other):
            with deliveries.hold(xray.id) as second:
                assert second is None
        assert 0 < client.ttl(f"lease:{xray.id}") <= LEASE_SECONDS
    with other.hold(xray.id) as again:
        assert again == xray


def test_lease_lasts_while_its_holder_lives(
    xrays: XrayStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each beat extends it, but not for ever: a hanging task loses its lease."""
    deliveries = Deliveries(client)
    xray = add_old(xrays)
    with deliveries.hold(xray.id):
        with deliveries.hold(xray.id) as second:  # a second delivery to the same process
            assert second is None
        client.expire(f"lease:{xray.id}", 2)
        deliveries.extend()
        assert client.ttl(f"lease:{xray.id}") > 2
        client.expire(f"lease:{xray.id}", 2)
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + MAX_HELD_SECONDS + 1)
        deliveries.extend()
        assert client.ttl(f"lease:{xray.id}") <= 2
    deliveries.extend()
    assert not client.exists(f"lease:{xray.id}")


def test_late_holder_leaves_the_lease_of_the_next(xrays: XrayStore, client: redis.Redis) -> None:
    """It slept past the end of its lease; when it ends, it does not release the next one."""
    late, other = Deliveries(client), Deliveries(client)
    xray = add_old(xrays)
    with other.hold(xray.id):
        client.delete(f"lease:{xray.id}")
        with late.hold(xray.id) as taken:
            assert taken == xray
            client.set(f"lease:{xray.id}", "of the next")
        assert client.get(f"lease:{xray.id}") == "of the next"


def test_finished_and_missing_xrays_leave_no_key(xrays: XrayStore, client: redis.Redis) -> None:
    """A superfluous delivery does nothing and leaves no key."""
    deliveries = Deliveries(client)
    with pytest.raises(XrayMissing), deliveries.hold("0" * 32):
        pass
    assert client.keys("*") == []
    xray = add_old(xrays)
    with deliveries.hold(xray.id):
        xrays.finish(done(xray))
        assert not client.exists(f"lease:{xray.id}", f"begun:{xray.id}")
    with deliveries.hold(xray.id) as finished:
        assert finished == done(xray)
    assert not client.exists(f"lease:{xray.id}", f"begun:{xray.id}")


def test_processes_that_never_came_back_are_counted(xrays: XrayStore, client: redis.Redis) -> None:
    """Each process counts once, however often it began; after eight, nobody begins again."""
    xray = add_old(xrays)
    for _ in range(MAX_WORKERS_LOST):
        deliveries = Deliveries(client)
        for _ in range(2):
            with deliveries.hold(xray.id) as begun:
                assert begun == xray
    with pytest.raises(WorkerLost), Deliveries(client).hold(xray.id):
        pass
    deliveries.forget_begun(xray.id)
    with deliveries.hold(xray.id) as begun:
        assert begun == xray
