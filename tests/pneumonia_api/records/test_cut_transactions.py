"""Transactions of reviews, batches and accounts, with the connection cut at every reply in turn."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis

from pneumonia_api.accounts import Accounts
from pneumonia_api.passwords import WrongPassword
from pneumonia_api.records.record import XrayMissing, XrayRecord, new_xray
from pneumonia_api.records.reviews import Reviews
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.cutting_proxy import Cut, CuttingProxy, cut_everywhere
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.records.test_scored import make_done

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
WEEK = "reviews:2026-W48"


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_review_counts_it_twice(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """The week counts one label for the X-ray, even if the review was retried."""
    xrays, reviews = XrayStore(client), Reviews(through)
    sent: list[XrayRecord] = []
    outcomes: list[bool] = []

    def put() -> bool:
        try:
            reviews.put(sent[-1].id, label="unsure", note="", reader="ann", at=AT)
        except redis.RedisError:
            return False
        return True

    def live() -> None:
        client.flushall()
        sent.append(done(new_xray("doctor", "digest")))
        xrays.add(sent[-1])
        outcomes.append(put())

    def check(n: int) -> None:
        if not outcomes[-1]:
            assert put()
        assert client.hgetall(WEEK) == {"m1 pneumonia unsure": "1"}, n
        assert client.zcard("xrays:pneumonia:reviewed") == 1, n
        check_indexes(client)

    covered = cut_everywhere(proxy[0], how, live, check)
    assert outcomes[-1]
    report(f"{covered} cuts of a review, {how.name}")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_stores_a_batch_twice_or_ends_its_run(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """Two files, of which another run stored one: each is stored once, and only outages raise."""
    xrays, batch = XrayStore(client), XrayStore(through)
    lost: list[list[XrayRecord] | None] = []
    mine, theirs, again = make_done("a"), make_done("b"), make_done("b")

    def live() -> None:
        client.flushall()
        xrays.add_scored([theirs])
        lost.append(store())

    def store() -> list[XrayRecord] | None:
        try:
            return batch.add_scored([mine, replace(again, id="0" * 12 + again.id[12:])])
        except (redis.ConnectionError, redis.TimeoutError):
            return None  # `retry_through_outage` waits for it

    def check(n: int) -> None:
        left_out = store() if lost[-1] is None else lost[-1]
        assert left_out is not None
        assert [xray.id[12:] for xray in left_out] == [theirs.id[12:]], n
        assert client.zrange("xrays", 0, -1) == sorted([mine.id, theirs.id]), n
        check_indexes(client)

    covered = cut_everywhere(proxy[0], how, live, check)
    report(f"{covered} cuts of a batch, {how.name}")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_leaves_a_session_of_the_old_password(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """Either nothing changed, or the password changed and all sessions ended."""
    direct, cut = Accounts(client, 3600), Accounts(through, 3600)
    tokens: list[str] = []
    outcomes: list[bool] = []

    def live() -> None:
        client.flushall()
        direct.set_password("ann", "old password")
        tokens.append(direct.log_in("ann", "old password", "10.0.0.1"))
        try:
            cut.set_password("ann", "new password")
        except redis.RedisError:
            outcomes.append(False)
        else:
            outcomes.append(True)

    def check(n: int) -> None:
        alive = direct.find_user(tokens[-1]) is not None
        try:
            direct.log_in("ann", "new password", "10.0.0.2")
            changed = True
        except WrongPassword:
            changed = False
        assert changed != alive, f"cut {n}: changed={changed}, old session alive={alive}"
        if outcomes[-1]:
            assert changed, n

    covered = cut_everywhere(proxy[0], how, live, check)
    assert outcomes[-1]
    report(f"{covered} cuts of a password change, {how.name}")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_users_deletion_leaves_a_session(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """Either nothing changed, or the user was deleted and all sessions ended."""
    direct, cut = Accounts(client, 3600), Accounts(through, 3600)
    direct.set_password("ann", "the password")
    stored = client.hgetall("user:ann")
    tokens: list[str] = []

    def live() -> None:
        client.hset("user:ann", mapping=stored)
        tokens.append(direct.log_in("ann", "the password", "10.0.0.1"))
        with contextlib.suppress(redis.RedisError):
            cut.delete("ann")

    def check(n: int) -> None:
        alive = direct.find_user(tokens[-1]) is not None
        assert direct.exists("ann") == alive, f"cut {n}: old session alive={alive}"

    covered = cut_everywhere(proxy[0], how, live, check)
    assert not direct.exists("ann")
    report(f"{covered} cuts of a user's deletion, {how.name}")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_log_in_counts_a_try_twice(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """A wrong password on a cut connection counts as one failure, or as none."""
    direct, cut = Accounts(client, 3600), Accounts(through, 3600)
    direct.set_password("ann", "the password")

    def live() -> None:
        client.delete("tries:ann:10.0.0.1")
        with pytest.raises((WrongPassword, redis.RedisError)):
            cut.log_in("ann", "a typing error", "10.0.0.1")

    def check(n: int) -> None:
        assert client.scard("tries:ann:10.0.0.1") <= 1, f"cut {n}: counted twice"

    covered = cut_everywhere(proxy[0], how, live, check)
    report(f"{covered} cuts of a typing error, {how.name}")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_log_in_gives_a_token_that_opens_nothing(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    report: Callable[[str], None],
) -> None:
    """A returned token is valid; otherwise there was an error, and no lock-out."""
    direct, cut = Accounts(client, 3600), Accounts(through, 3600)
    direct.set_password("ann", "the password")
    tokens: list[str | None] = []

    def live() -> None:
        try:
            tokens.append(cut.log_in("ann", "the password", "10.0.0.1"))
        except redis.RedisError:
            tokens.append(None)

    def check(n: int) -> None:
        token = tokens[-1] or direct.log_in("ann", "the password", "10.0.0.1")
        assert direct.find_user(token) == "ann", n

    covered = cut_everywhere(proxy[0], how, live, check)
    assert tokens[-1]
    report(f"{covered} cuts of a log-in, {how.name}")


def test_proxy_counts_every_kind_of_reply(
    proxy: tuple[CuttingProxy, str], through: redis.Redis, client: redis.Redis
) -> None:
    """Until it is armed, the proxy forwards every kind of reply."""
    xray = new_xray("doctor", "digest")
    XrayStore(through).add(xray)
    assert XrayStore(through).get(xray.id) == xray == XrayStore(client).get(xray.id)
    with pytest.raises(XrayMissing):
        XrayStore(through).get("0" * 32)
