"""Readings and deletions, with the connection to Redis cut at every reply in turn."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis

from pneumonia_api.records.deletions import Deletions, forget
from pneumonia_api.records.record import XrayMissing, XrayRecord, new_xray
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.cutting_proxy import Cut, CuttingProxy, cut_everywhere
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
WEEK = "reviews:2026-W48"


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_reading_records_it_twice_or_refuses_it(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """Recorded once and never a false conflict, whether the API or the reader tries again.

    An earlier reading of the previous release is always kept, and entry, review, counts and
    indexes always agree.
    """
    reviews, sent, outcomes = Reviews(through), list[XrayRecord](), list[bool]()
    entry = NewReading("unsure", seen=1, key="k")

    def answer() -> bool:
        try:
            reviews.append(sent[-1].id, entry, reader="bob", at=AT)
        except redis.RedisError:
            return False
        return True

    def live() -> None:
        client.flushall()
        sent.append(done(new_xray("doctor", "digest")))
        XrayStore(client).add(sent[-1])
        Reviews(client).put(sent[-1].id, label="normal", note="", reader="ann", at=AT)
        client.hdel(f"xray:{sent[-1].id}", "reading:1")
        outcomes.append(answer())

    def check(n: int) -> None:
        stored = XrayStore(client).get(sent[-1].id)
        assert [each.label for each in stored.readings] in (["normal"], ["normal", "unsure"]), n
        assert stored.review == stored.readings[-1].review, n
        check_indexes(client)
        assert answer(), n
        readings = XrayStore(client).get(sent[-1].id).readings
        assert [(each.reader, each.label) for each in readings] == [
            ("ann", "normal"),
            ("bob", "unsure"),
        ], n
        counts = {name: count for name, count in client.hgetall(WEEK).items() if count != "0"}
        assert counts == {"m1 pneumonia unsure": "1"}, n
        check_indexes(client)

    covered = cut_everywhere(proxy[0], how, live, check)
    assert outcomes[-1]
    report(f"{covered} cuts of a reading, {how.name}")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_deletion_leaves_half_a_record(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """Deleted, restored, deleted again and forgotten: each step is carried out whole or not at all.

    Each is repeated until it is confirmed, as a person or the next sweep does.
    """
    deletions, sent = Deletions(through, timedelta(days=30)), list[XrayRecord]()

    def is_there() -> bool:
        try:
            XrayStore(client).get(sent[-1].id)
        except XrayMissing:
            return False
        return True

    def step(run: Callable[[], object]) -> None:
        for attempt in range(2):
            try:
                run()
            except redis.RedisError:
                check_indexes(client)
                proxy[0].let_back()
            except XrayMissing:
                assert attempt, "the record was there"
                break  # the first attempt was carried out
            else:
                break
        check_indexes(client)

    def live() -> None:
        client.flushall()
        xray = done(new_xray("doctor", "digest"))
        sent.append(xray)
        XrayStore(client).add(xray)
        step(lambda: deletions.delete(xray.id, by="ann", at=AT))
        assert not is_there()
        step(lambda: deletions.restore(xray.id, by="ann", at=AT))
        assert is_there()
        step(lambda: deletions.delete(xray.id, by="ann", at=AT))
        step(lambda: forget(through, xray.id))

    def check(n: int) -> None:
        assert set(client.keys("*")) == {f"finished:{sent[-1].id}"}, n

    covered = cut_everywhere(proxy[0], how, live, check)
    report(f"{covered} cuts of a deletion, {how.name}")
