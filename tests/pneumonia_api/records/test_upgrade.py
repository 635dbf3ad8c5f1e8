"""Records of the previous release are moved to the indexes of this one, and none is lost."""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from pneumonia_api.records import upgrade
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.upgrade import upgrade_batch
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.cutting_proxy import Cut, CuttingProxy, cut_everywhere
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done, listed
from tests.pneumonia_api.records.previous_release import PreviousRelease


def add_old(client: redis.Redis, count: int) -> list[XrayRecord]:
    """Finished records as the previous release stored them, newest first."""
    digests = [hashlib.sha256(bytes([n])).hexdigest() for n in range(count)]
    records = [done(new_xray("doctor", digest, f"RX {n}")) for n, digest in enumerate(digests)]
    for xray in records:
        PreviousRelease(client).add(xray)
    return sorted(records, key=lambda xray: xray.id, reverse=True)


def test_every_record_is_moved_whole(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch by batch; pages and searches show the same before, in between and after."""
    monkeypatch.setattr(upgrade, "BATCH", 10)
    ServedModel(client).announce({"version": "m1"})
    records = add_old(client, 25)
    shown = [listed(xray) for xray in records]
    worklist, xrays = Worklist(client), XrayStore(client)
    for moved in (10, 10, 5, 0):
        assert worklist.page(decision="pneumonia", limit=50) == (shown, None)
        assert worklist.page(q="rx", limit=50) == (shown, None)
        assert all(xrays.find_same(xray.digest) == xray for xray in records)
        assert upgrade_batch(client) == moved
    check_indexes(client)
    assert all(xrays.find_same(xray.digest) == xray for xray in records)


def test_moved_record_takes_the_compact_form(client: redis.Redis) -> None:
    """Redis never returns a hash with one long value to it, so the hash is written from scratch."""
    xray = done(new_xray("doctor", "d"))
    PreviousRelease(client).add(xray)
    client.hset(f"xray:{xray.id}", mapping={"laterality": "L", "prediction": "x" * 2000})
    assert client.object("encoding", f"xray:{xray.id}") == "hashtable"
    before = client.config_get("hash-max-listpack-value")
    client.config_set("hash-max-listpack-value", 1280)
    try:
        PreviousRelease(client).add(xray)
        upgrade_batch(client)
        assert client.object("encoding", f"xray:{xray.id}") == "listpack"
    finally:
        client.config_set("hash-max-listpack-value", before["hash-max-listpack-value"])
    assert client.hget(f"xray:{xray.id}", "laterality") == "L"


def test_deleted_record_leaves_the_old_lists(client: redis.Redis) -> None:
    """An entry without a record does not keep the work from ending."""
    client.zadd("xrays:status:done", {"0" * 32: 0})
    assert upgrade_batch(client) == 1
    assert upgrade_batch(client) == 0
    assert client.keys("*") == []


def test_record_without_a_heat_map_is_moved(client: redis.Redis) -> None:
    """The previous release makes one when it reuses a prediction that this one wrote."""
    xray = done(new_xray("doctor", "d"))
    assert xray.prediction
    xray = replace(xray, prediction=replace(xray.prediction, heatmap=[]))
    PreviousRelease(client).add(xray)
    assert upgrade_batch(client) == 1
    check_indexes(client)
    assert XrayStore(client).get(xray.id) == xray


def test_damaged_record_holds_up_no_other(client: redis.Redis) -> None:
    """It leaves the old lists, and stays as it is."""
    good, bad = add_old(client, 2)
    client.hset(f"xray:{bad.id}", "prediction", "{")
    assert upgrade_batch(client) == 2
    assert upgrade_batch(client) == 0
    assert XrayStore(client).get(good.id) == good
    assert client.hget(f"xray:{bad.id}", "prediction") == "{"


def test_record_that_the_previous_release_finished_is_reused(client: redis.Redis) -> None:
    """It enters the bytes under the digest that this release queued, and `upgrade` finds them."""
    ServedModel(client).announce({"version": "m1"})
    xray = new_xray("doctor", hashlib.sha256(b"").hexdigest())
    XrayStore(client).add(xray)
    old = PreviousRelease(client)
    old.finish(done(old.get(xray.id)))
    assert XrayStore(client).find_same(xray.digest) == done(xray)
    assert upgrade_batch(client) == 1
    check_indexes(client)
    assert XrayStore(client).find_same(xray.digest) == done(xray)


def test_of_identical_bytes_the_later_record_stays_the_source(client: redis.Redis) -> None:
    """Whatever the order in which they are moved, the older one does not take its place."""
    ServedModel(client).announce({"version": "m1"})
    first, second = done(new_xray("doctor", "d1")), done(new_xray("doctor", "d1"))
    for xray in (first, second):
        PreviousRelease(client).add(xray)
    upgrade_batch(client)
    assert XrayStore(client).find_same("d1") == second
    XrayStore(client).delete(first)
    assert XrayStore(client).find_same("d1") == second


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_move_loses_a_record(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """Each record is in the lists of one release; the next call moves what is left."""
    records: list[XrayRecord] = []

    def live() -> None:
        client.flushall()
        records[:] = add_old(client, 2)
        with contextlib.suppress(redis.RedisError):
            upgrade_batch(through)

    def check(n: int) -> None:
        shown = [listed(xray) for xray in records]
        assert Worklist(client).page(status="done", limit=5) == (shown, None), n
        while upgrade_batch(client):
            pass
        check_indexes(client)
        assert Worklist(client).page(status="done", limit=5) == (shown, None), n

    covered = cut_everywhere(proxy[0], how, live, check)
    check(0)
    report(f"{covered} cuts of a move, {how.name}")
