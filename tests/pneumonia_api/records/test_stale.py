"""Index entries that a host of the previous release left behind are removed."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis

from pneumonia_api.records import stale
from pneumonia_api.records.readings import ReviewRecord
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.reviews import Reviews
from pneumonia_api.records.stale import remove_stale
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import check_lists_and_words
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.records.previous_release import PreviousRelease

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_words_of_what_the_previous_release_deleted_are_removed(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A patient's reference does not outlive its record; other records keep all their words."""
    monkeypatch.setattr(stale, "CHUNK", 3)
    xrays, previous = XrayStore(client), PreviousRelease(client)
    records = [done(new_xray("doctor", f"d{n}", f"Study {n}")) for n in range(200)]
    for xray in records:
        xrays.add(xray)
    for xray in records[::2]:
        previous.delete(xray.id)
    assert client.zcount("xrays:words", 0, 0) == 400
    # Two words, the list of their kind and the order by suspicion; the previous release knows the
    # list of all X-rays.
    assert remove_stale(client, lambda: False) == 400
    check_lists_and_words(client)
    assert remove_stale(client, lambda: False) == 0


def test_words_of_a_note_that_the_previous_release_replaced_are_removed(
    client: redis.Redis,
) -> None:
    """Also if no record was deleted."""
    xray = done(new_xray("doctor", "d", "Study 1"))
    XrayStore(client).add(xray)
    Reviews(client).put(xray.id, label="unsure", note="Smith", reader="ann", at=NOW)
    PreviousRelease(client).review(xray.id, ReviewRecord("unsure", "", "bob", NOW.isoformat()))
    assert remove_stale(client, lambda: False) == 1
    assert client.zrange("xrays:words", 0, -1) == [f"1\0{xray.id}", f"study\0{xray.id}"]


def test_removal_ends_between_two_chunks(client: redis.Redis) -> None:
    """A worker that stops does not wait for a million entries; the next pass does the rest."""
    xray = done(new_xray("doctor", "d", "Study 1"))
    XrayStore(client).add(xray)
    PreviousRelease(client).delete(xray.id)
    answers: Iterator[bool] = itertools.chain([False], itertools.repeat(True))
    assert remove_stale(client, lambda: next(answers)) == 2
    assert remove_stale(client, lambda: False) == 2
