"""Reviews on a real Redis: what is stored, what is counted, and concurrent changes."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import redis

from pneumonia_api.records import reviews as reviews_module
from pneumonia_api.records.readings import ReviewRecord
from pneumonia_api.records.record import XrayMissing, XrayRecord, new_xray, read_hash
from pneumonia_api.records.reviews import LABELS, NotReviewable, Reviews
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done, listed

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WEEK = "reviews:2026-W48"


@pytest.fixture
def xrays(client: redis.Redis) -> XrayStore:
    """An empty store."""
    return XrayStore(client)


@pytest.fixture
def reviews(client: redis.Redis) -> Reviews:
    """The API's reviews."""
    return Reviews(client)


@pytest.fixture
def judged(xrays: XrayStore) -> XrayRecord:
    """A stored X-ray that the model called pneumonia."""
    xray = done(new_xray("doctor", "d1", "Study 7"))
    xrays.add(xray)
    return xray


def check_whole(client: redis.Redis, weeks: Counter[str]) -> None:
    """The indexes hold exactly what the records say, and the counts are `weeks`."""
    check_indexes(client)
    counted = {field: int(count) for field, count in client.hgetall(WEEK).items()}
    assert +Counter(counted) == +weeks
    assert all(count >= 0 for count in counted.values())


def test_review_is_stored_indexed_and_counted(
    client: redis.Redis, xrays: XrayStore, reviews: Reviews, judged: XrayRecord
) -> None:
    """The review is in the record, the rest is unchanged, and search and filters find it."""
    answer = reviews.put(judged.id, label="normal", note="Ask Ann", reader="doctor", at=NOW)
    stored = xrays.get(judged.id)
    assert stored == answer
    assert replace(stored, review=None, readings=()) == judged
    assert stored.review == ReviewRecord(
        label="normal",
        note="Ask Ann",
        reader="doctor",
        reviewed_at="2026-11-25T12:00:00.000+00:00",
    )
    worklist = Worklist(client)
    assert worklist.page(reviewed=True, limit=5)[0] == [listed(stored)]
    assert worklist.page(q="ask ann", limit=5)[0] == [listed(stored)]
    assert worklist.page(reviewed=False, limit=5)[0] == []
    check_whole(client, Counter({"m1 pneumonia normal": 1}))


def test_last_review_stands_and_is_the_one_that_counts(
    client: redis.Redis, xrays: XrayStore, reviews: Reviews, judged: XrayRecord
) -> None:
    """A changed label or note replaces the earlier review in the counts."""
    for label, note in (("pneumonia", ""), ("unsure", ""), ("normal", ""), ("normal", "Sure")):
        reviews.put(judged.id, label=label, note=note, reader="doctor", at=NOW)
        check_whole(client, Counter({f"m1 pneumonia {label}": 1}))
    review = xrays.get(judged.id).review
    assert review
    assert (review.label, review.note) == ("normal", "Sure")


def test_earlier_review_leaves_the_week_that_counted_it(
    client: redis.Redis, reviews: Reviews, judged: XrayRecord
) -> None:
    """Weeks are ISO weeks in UTC, whatever the time zone of the review."""
    sunday = datetime(2027, 1, 3, 23, 59, tzinfo=UTC)
    monday_in_vienna = datetime(2027, 1, 4, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    reviews.put(judged.id, label="pneumonia", note="", reader="doctor", at=sunday)
    reviews.put(judged.id, label="unsure", note="", reader="doctor", at=monday_in_vienna)
    assert client.hgetall("reviews:2026-W53") == {
        "m1 pneumonia pneumonia": "0",
        "m1 pneumonia unsure": "1",
    }
    monday = sunday + timedelta(hours=1)
    reviews.put(judged.id, label="normal", note="", reader="doctor", at=monday)
    assert set(client.hvals("reviews:2026-W53")) == {"0"}
    assert client.hgetall("reviews:2027-W01") == {"m1 pneumonia normal": "1"}


def test_counts_expire_a_year_after_their_week(
    client: redis.Redis, reviews: Reviews, judged: XrayRecord
) -> None:
    """A later change neither extends the expiry nor restores an expired week."""
    now = datetime.now(UTC)
    reviews.put(judged.id, label="normal", note="", reader="doctor", at=now)
    (week,) = client.keys("reviews:*")
    kept = timedelta(seconds=client.ttl(week))
    assert timedelta(weeks=53) <= kept <= timedelta(weeks=54)
    expires = client.expiretime(week)
    reviews.put(judged.id, label="unsure", note="", reader="doctor", at=now)
    assert client.expiretime(week) == expires

    old = done(new_xray("doctor", "d2"))
    past = ReviewRecord("normal", "", "a", "2020-01-01T00:00:00Z")
    XrayStore(client).add(replace(old, review=past))
    reviews.put(old.id, label="normal", note="", reader="doctor", at=now)
    assert client.keys("reviews:*") == [week]


@pytest.mark.parametrize("status", ["queued", "rejected", "failed"])
def test_only_what_was_judged_can_be_reviewed(
    client: redis.Redis, xrays: XrayStore, reviews: Reviews, status: str
) -> None:
    """Nothing is written for any other record, nor for a missing one."""
    xray = replace(new_xray("doctor", "d1"), status=status)
    xrays.add(xray)
    before = sorted(client.keys("*"))
    with pytest.raises(NotReviewable):
        reviews.put(xray.id, label="normal", note="", reader="doctor", at=NOW)
    with pytest.raises(XrayMissing):
        reviews.put("0" * 32, label="normal", note="", reader="doctor", at=NOW)
    assert sorted(client.keys("*")) == before
    assert xrays.get(xray.id) == xray


def test_deleting_keeps_the_counts_and_nothing_else(
    client: redis.Redis, xrays: XrayStore, reviews: Reviews, judged: XrayRecord
) -> None:
    """The counts describe the model in that week, not the patient."""
    reviews.put(judged.id, label="normal", note="", reader="doctor", at=NOW)
    xrays.delete(judged)
    assert set(client.keys("*")) == {WEEK, f"finished:{judged.id}"}
    check_whole(client, Counter({"m1 pneumonia normal": 1}))


def between_read_and_write(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Call `act` once, between reading the record and writing the review."""
    acts = [act]

    def read_then_act(values: dict[str, str]) -> XrayRecord:
        xray = read_hash(values)
        if acts:
            acts.pop()()
        return xray

    monkeypatch.setattr(reviews_module, "read_hash", read_then_act)


def test_review_between_read_and_write_is_replaced_not_lost(
    client: redis.Redis, reviews: Reviews, judged: XrayRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two concurrent reviews, only the later one counts."""
    between_read_and_write(
        monkeypatch,
        lambda: reviews.put(judged.id, label="unsure", note="", reader="first", at=NOW),
    )
    last = reviews.put(judged.id, label="normal", note="", reader="second", at=NOW)
    assert last.review
    assert last.review.reader == "second"
    check_whole(client, Counter({"m1 pneumonia normal": 1}))


def test_delete_between_read_and_write_wins(
    client: redis.Redis,
    xrays: XrayStore,
    reviews: Reviews,
    judged: XrayRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A deleted record is not restored as a lone review, and nothing is counted."""
    between_read_and_write(monkeypatch, lambda: xrays.delete(judged))
    with pytest.raises(XrayMissing):
        reviews.put(judged.id, label="normal", note="", reader="doctor", at=NOW)
    assert client.keys("*") == [f"finished:{judged.id}"]


def test_readers_and_a_delete_at_once_leave_no_half_state(
    client: redis.Redis, xrays: XrayStore, reviews: Reviews
) -> None:
    """Six readers and a concurrent delete: each of five X-rays counts once at most."""
    some = [done(new_xray("doctor", f"d{number}")) for number in range(5)]
    for xray in some:
        xrays.add(xray)
    start = threading.Barrier(7)

    def read_all(reader: int) -> list[str]:
        start.wait(10)
        reviewed = []
        for turn in range(30):
            xray = some[(turn + reader) % 5]
            label = LABELS[(turn + reader) % 3]
            try:
                reviews.put(xray.id, label=label, note="", reader=str(reader), at=NOW)
            except XrayMissing:
                continue
            reviewed.append(xray.id)
        return reviewed

    def delete_two() -> None:
        start.wait(10)
        for xray in some[:2]:
            xrays.delete(xray)

    with ThreadPoolExecutor(7) as pool:
        readers = [pool.submit(read_all, reader) for reader in range(6)]
        pool.submit(delete_two).result()
        reviewed = {xray_id for each in readers for xray_id in each.result()}
    assert not client.exists(*(f"xray:{xray.id}" for xray in some[:2]))
    kept = [review.label for xray in some[2:] if (review := xrays.get(xray.id).review)]
    assert len(kept) == 3
    counts = Counter({field: int(n) for field, n in client.hgetall(WEEK).items()})
    assert counts.total() == len(reviewed)
    assert Counter(f"m1 pneumonia {label}" for label in kept) <= counts
    check_whole(client, counts)
