"""`pneumonia_api.records.xrays` against a real Redis."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import redis

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayMissing, XrayRecord, new_xray
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import done


@pytest.fixture
def xrays(client: redis.Redis) -> XrayStore:
    """An empty store."""
    return XrayStore(client)


@contextmanager
def ending_soon(
    seconds: float, end: Callable[[XrayRecord], object], xray: XrayRecord
) -> Iterator[None]:
    """Another thread calls `end` after `seconds`; the block waits for it."""
    timer = threading.Timer(seconds, end, [xray])
    timer.start()
    yield
    timer.join()


def check_nothing_left(client: redis.Redis, xray: XrayRecord) -> None:
    """Only the announcement of the end is left, which expires in a minute."""
    assert client.keys("*") == [f"finished:{xray.id}"]
    assert 0 < client.ttl(f"finished:{xray.id}") <= 60


def test_record_comes_back_as_it_went_in(xrays: XrayStore) -> None:
    """Every field survives Redis."""
    xray = done(new_xray("doctor", "d1", "Study 7"))
    xrays.add(xray)
    assert xrays.get(xray.id) == xray


def test_ids_sort_by_time_and_differ() -> None:
    """The worklist's order is the order of the ids."""
    ids = []
    for _ in range(50):
        ids.append(new_xray("doctor", "d").id)
        time.sleep(0.0012)
    assert ids == sorted(ids)
    assert len(set(ids)) == 50


def test_finish_moves_the_record_between_indexes_once(
    xrays: XrayStore, client: redis.Redis
) -> None:
    """The second delivery of a task changes nothing."""
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    assert xrays.finish(done(xray))
    assert not xrays.finish(replace(xray, status="failed", reason="late"))
    assert xrays.get(xray.id).status == "done"
    assert client.zcard(keys.status("queued")) == 0
    assert client.zcard(keys.judged("pneumonia", "to-review")) == 1


def test_finish_after_delete_writes_nothing(xrays: XrayStore, client: redis.Redis) -> None:
    """A late prediction does not restore a deleted X-ray; no key of it is left."""
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    xrays.delete(xray)
    assert not xrays.finish(done(xray))
    with pytest.raises(XrayMissing):
        xrays.get(xray.id)
    check_nothing_left(client, xray)


def test_delete_during_finish_leaves_no_key(xrays: XrayStore, client: redis.Redis) -> None:
    """`delete` gets the record as it was queued, although it has moved to other indexes."""
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    xrays.finish(done(xray))
    xrays.delete(xray)
    check_nothing_left(client, xray)


def test_delete_leaves_the_reuse_key_to_a_later_record(
    xrays: XrayStore, client: redis.Redis
) -> None:
    """Of two records with identical bytes, the second stays the source for a third."""
    first, second = done(new_xray("doctor", "d1")), done(new_xray("doctor", "d1"))
    ServedModel(client).announce({"version": "m1"})
    xrays.add(first)
    xrays.add(second)
    xrays.delete(first)
    assert xrays.find_same("d1") == second


def test_delete_leaves_no_key(xrays: XrayStore, client: redis.Redis) -> None:
    """Record, index entries and reuse key are deleted."""
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    xrays.finish(done(xray))
    xrays.delete(xrays.get(xray.id))
    check_nothing_left(client, xray)


def test_same_bytes_are_found_for_the_present_model_only(
    xrays: XrayStore, client: redis.Redis
) -> None:
    """Another model judges the bytes again."""
    xray = new_xray("doctor", "digest")
    xrays.add(xray)
    xrays.finish(done(xray))
    assert xrays.find_same("digest") is None
    ServedModel(client).announce({"version": "m1"})
    same = xrays.find_same("digest")
    assert same is not None
    assert same.id == xray.id
    ServedModel(client).announce({"version": "m2"})
    assert xrays.find_same("digest") is None


def test_wait_ends_when_the_record_is_finished(xrays: XrayStore) -> None:
    """`wait_finished` returns at once at the end, else the queued record after its time."""
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    assert xrays.wait_finished(xray, 0.2).status == "queued"
    with ending_soon(0.3, xrays.finish, done(xray)):
        start = time.monotonic()
        assert xrays.wait_finished(xray, 30).status == "done"
    assert time.monotonic() - start < 15


def test_wait_is_longer_than_one_command(xrays: XrayStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command blocks briefly, so that a hanging Redis is noticed; the wait goes on."""
    monkeypatch.setattr("pneumonia_api.records.xrays.BLOCK_SECONDS", 0.05)
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    with ending_soon(0.5, xrays.finish, done(xray)):
        assert xrays.wait_finished(xray, 30).status == "done"


def test_wait_ends_when_the_record_is_deleted(xrays: XrayStore) -> None:
    """`wait_finished` raises XrayMissing at once."""
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    with ending_soon(0.3, xrays.delete, xray), pytest.raises(XrayMissing):
        xrays.wait_finished(xray, 30)
