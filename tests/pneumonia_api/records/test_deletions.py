"""Deleted records on a real Redis: hidden, restored by who deleted them, or gone after a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis

from pneumonia_api.records.deletions import (
    GRACE,
    DeletedByAnother,
    Deletions,
    forget,
    list_expired,
)
from pneumonia_api.records.readings import ReviewRecord
from pneumonia_api.records.record import XrayMissing, XrayRecord, new_xray
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.stale import remove_stale
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.records.previous_release import PreviousRelease

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEPT = timedelta(days=30)


@pytest.fixture
def deletions(client: redis.Redis) -> Deletions:
    """The API's deletions."""
    return Deletions(client, KEPT)


@pytest.fixture
def judged(client: redis.Redis) -> XrayRecord:
    """A stored X-ray with a reading."""
    ServedModel(client).announce({"version": "m1"})
    xray = done(new_xray("doctor", "d1", "Study 7"))
    XrayStore(client).add(xray)
    entry = NewReading("normal", "Kerley", seen=0)
    return Reviews(client).append(xray.id, entry, reader="ann", at=NOW)


def test_deleted_record_is_found_by_nobody(
    client: redis.Redis, deletions: Deletions, judged: XrayRecord
) -> None:
    """Neither by its id, nor in a list, by a word, or as the prediction of the same bytes."""
    assert deletions.delete(judged.id, by="ann", at=NOW) is False
    xrays, worklist = XrayStore(client), Worklist(client)
    with pytest.raises(XrayMissing):
        xrays.get(judged.id)
    for query in ({}, {"q": "kerley"}, {"q": judged.id}, {"reviewed": True}, {"status": "done"}):
        assert worklist.page(**query, limit=5) == ([], None)
    assert xrays.find_same("d1") is None
    with pytest.raises(XrayMissing):
        Reviews(client).append(judged.id, NewReading("unsure", seen=1), reader="bob", at=NOW)
    with pytest.raises(XrayMissing):
        deletions.delete(judged.id, by="bob", at=NOW)
    assert xrays.read_statuses([judged.id]) == {judged.id: "done"}  # so its preview is kept
    check_indexes(client)


def test_who_deleted_it_restores_it_whole(
    client: redis.Redis, deletions: Deletions, judged: XrayRecord
) -> None:
    """With its readings and every index; a repeated request changes nothing more."""
    before = {key: client.zrange(key, 0, -1) for key in client.keys("xrays*")}
    deletions.delete(judged.id, by="ann", at=NOW)
    [listed] = deletions.list_restorable("ann", NOW)
    assert replace(listed, deletion=None) == judged
    assert deletions.list_restorable("bob", NOW) == []
    assert deletions.list_restorable(None, NOW) == [listed]
    with pytest.raises(DeletedByAnother):
        deletions.restore(judged.id, by="bob", at=NOW)
    for _ in range(2):
        assert deletions.restore(judged.id, by="ann", at=NOW + KEPT) == judged
    assert {key: client.zrange(key, 0, -1) for key in client.keys("xrays*")} == before
    assert XrayStore(client).find_same("d1") == judged
    assert deletions.list_restorable("ann", NOW) == []
    check_indexes(client)


def test_too_late_is_gone(client: redis.Redis, deletions: Deletions, judged: XrayRecord) -> None:
    """After the retention nobody can restore it; an hour later, nothing of it is left."""
    deletions.delete(judged.id, by="ann", at=NOW)
    late = NOW + KEPT + timedelta(seconds=1)
    with pytest.raises(XrayMissing):
        deletions.restore(judged.id, by="ann", at=late)
    assert deletions.list_restorable("ann", late) == []
    assert list_expired(client, late) == []
    assert list_expired(client, late + GRACE) == [judged.id]
    forget(client, judged.id)
    forget(client, judged.id)
    left = {key for key in client.keys("*") if judged.id in key or key.startswith("xrays")}
    assert left == {f"finished:{judged.id}"}
    assert list_expired(client, late + GRACE) == []


def test_restored_record_is_not_forgotten(
    client: redis.Redis, deletions: Deletions, judged: XrayRecord
) -> None:
    """Also if a worker had listed it before."""
    deletions.delete(judged.id, by="ann", at=NOW)
    deletions.restore(judged.id, by="ann", at=NOW)
    forget(client, judged.id)
    assert XrayStore(client).get(judged.id) == judged
    check_indexes(client)


def test_later_record_of_the_same_bytes_stays_the_source(
    client: redis.Redis, deletions: Deletions, judged: XrayRecord
) -> None:
    """Neither the restored record nor its end takes the place of one that came after it."""
    xrays = XrayStore(client)
    deletions.delete(judged.id, by="ann", at=NOW)
    later = done(new_xray("doctor", "d1"))
    xrays.add(later)
    deletions.restore(judged.id, by="ann", at=NOW)
    assert xrays.find_same("d1") == later
    deletions.delete(judged.id, by="ann", at=NOW)
    forget(client, judged.id)
    assert xrays.find_same("d1") == later


def test_deleted_file_of_an_archive_is_scored_again(
    client: redis.Redis, deletions: Deletions
) -> None:
    """By the next run, as before; the old record's end or return does not touch the new one."""
    xrays = XrayStore(client)
    first = done(new_xray("batch", "d1", fingerprint="f" * 20))
    xrays.add_scored([first])
    deletions.delete(first.id, by="ann", at=NOW)
    assert xrays.find_scored(["f" * 20]) == [None]
    again = done(new_xray("batch", "d1", fingerprint="f" * 20))
    assert xrays.add_scored([again]) == []
    deletions.restore(first.id, by="ann", at=NOW)
    assert xrays.find_scored(["f" * 20]) == [again.id]
    deletions.delete(first.id, by="ann", at=NOW)
    forget(client, first.id)
    assert xrays.find_scored(["f" * 20]) == [again.id]


def test_queued_record_is_gone_at_once(client: redis.Redis, deletions: Deletions) -> None:
    """It has no result that could be missed; a worker that still has it writes nothing."""
    xrays, waiting = XrayStore(client), new_xray("doctor", "d1")
    xrays.add(waiting)
    assert deletions.delete(waiting.id, by="ann", at=NOW) is True
    assert xrays.finish(done(waiting)) is False
    assert set(client.keys("*")) == {f"finished:{waiting.id}"}


def test_review_by_a_host_of_the_previous_release_brings_nothing_back(
    client: redis.Redis, deletions: Deletions, judged: XrayRecord
) -> None:
    """It does not know deletions, and lists the record again; nobody sees it."""
    deletions.delete(judged.id, by="ann", at=NOW)
    PreviousRelease(client).review(judged.id, ReviewRecord("unsure", "", "bob", NOW.isoformat()))
    client.zadd("xrays:pneumonia:reviewed", {judged.id: 0})
    assert Worklist(client).page(reviewed=True, limit=5) == ([], None)
    remove_stale(client, lambda: False)
    assert client.zrange("xrays:pneumonia:reviewed", 0, -1) == []
