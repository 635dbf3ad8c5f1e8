"""`pneumonia_api.records.reuse`: records are found by their bytes, also by entries of before."""

import hashlib

import pytest
import redis

from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.shortening import restore_id, shorten_id
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done

DIGEST = hashlib.sha256(b"film").hexdigest()


@pytest.fixture
def xrays(client: redis.Redis) -> XrayStore:
    """A store of the model m1."""
    ServedModel(client).announce({"version": "m1"})
    return XrayStore(client)


def add_as_before(client: redis.Redis, xrays: XrayStore) -> XrayRecord:
    """A finished record whose entry has hexadecimal digits and the id in full."""
    xray = done(new_xray("doctor", DIGEST))
    xrays.add(xray)
    key = f"reuse:m1:{DIGEST[:3]}"
    client.delete(key)
    client.hset(key, DIGEST[3:19], xray.id)
    return xray


@pytest.mark.parametrize("xray_id", ["01a2210ada0a55aa5d3ad90876c1f8f3", "0" * 32, "x1", ""])
def test_short_ids_come_back_as_they_were(xray_id: str) -> None:
    """Those of 16 bytes in 20 characters, others as they are."""
    short = shorten_id(xray_id)
    assert restore_id(short) == restore_id(xray_id) == xray_id
    assert len(short) <= 20


def test_entry_that_was_written_before_is_found_and_deleted(
    client: redis.Redis, xrays: XrayStore
) -> None:
    """It leaves nothing behind."""
    xray = add_as_before(client, xrays)
    assert xrays.find_same(DIGEST) == xray
    xrays.delete(xray)
    assert xrays.find_same(DIGEST) is None
    assert not client.keys("reuse:*")


def test_later_record_goes_before_an_entry_of_before(client: redis.Redis, xrays: XrayStore) -> None:
    """And the earlier record is found again once the later one is deleted."""
    before = add_as_before(client, xrays)
    later = done(new_xray("doctor", DIGEST))
    xrays.add(later)
    assert xrays.find_same(DIGEST) == later
    xrays.delete(later)
    assert xrays.find_same(DIGEST) == before


def test_entry_that_another_digest_took_gives_no_wrong_record(
    client: redis.Redis, xrays: XrayStore
) -> None:
    """The digits in the index are few; whoever reads the record compares all of them."""
    other = DIGEST[:11] + "0" * 53
    taken, takes = done(new_xray("doctor", DIGEST)), done(new_xray("doctor", other))
    xrays.add(taken)
    xrays.add(takes)
    assert xrays.find_same(DIGEST) is None
    assert xrays.find_same(other) == takes
    xrays.delete(taken)
    assert xrays.find_same(other) == takes
    check_indexes(client)
