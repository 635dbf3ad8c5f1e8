"""Whatever is done to records, in whatever order, the indexes and the pages follow."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumonia_api.records.readings import ReviewRecord
from pneumonia_api.records.record import (
    DECISIONS,
    STATUSES,
    XrayMissing,
    XrayRecord,
    new_xray,
)
from pneumonia_api.records.reviews import NotReviewable, Reviews
from pneumonia_api.records.stale import remove_stale
from pneumonia_api.records.upgrade import upgrade_batch
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import (
    check_indexes,
    check_lists_and_words,
    list_entries,
    read_records,
)
from tests.pneumonia_api.records.judged import done, judged_as, listed
from tests.pneumonia_api.records.previous_release import PreviousRelease

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TEXTS = st.sampled_from(("", "RX 7", "rx-70", "7/8 anna", "-"))
NUMBERS = st.integers(0, 5)
ENDS = st.sampled_from((*DECISIONS, "uncertain", "withheld", "rejected", "failed"))
STEPS = st.one_of(
    st.tuples(st.sampled_from(("add", "score")), NUMBERS, TEXTS),
    st.tuples(st.just("finish"), NUMBERS, ENDS),
    st.tuples(st.just("review"), NUMBERS, TEXTS),
    st.tuples(st.just("delete"), NUMBERS, st.just("")),
)
OLD_STEPS = st.one_of(
    STEPS,
    STEPS.map(lambda step: (f"old {step[0]}", *step[1:])),
    st.just(("upgrade", 0, "")),
)
REAL_REDIS = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def make(number: int, text: str) -> XrayRecord:
    """A queued record with an id and bytes that belong to the number."""
    xray = new_xray("doctor", f"{number % 3:064x}", text)
    return replace(xray, id=f"{number:012x}{number:020x}")


def end(xray: XrayRecord, how: str) -> XrayRecord:
    """The record with a prediction, or rejected or failed."""
    if how in DECISIONS:
        return done(xray, how)
    if how in ("uncertain", "withheld"):
        return judged_as(xray, how, 0.3 + 0.2 * (int(xray.id[-1]) % 3))
    return replace(xray, status=how, reason="A sentence.")


class Releases:
    """Takes steps by the code of this release, or of the previous one."""

    def __init__(self, client: redis.Redis) -> None:
        client.flushall()
        self._client = client
        self._xrays, self._reviews = XrayStore(client), Reviews(client)
        self._old = PreviousRelease(client)

    def take(self, what: str, number: int, text: str) -> None:
        """Take a step, if the record is in the state for it."""
        records = read_records(self._client)
        xray = records.get(make(number, "").id)
        if what == "upgrade":
            upgrade_batch(self._client)
        elif what in ("add", "score", "old add", "old score"):
            if xray is None:
                self._add(what, make(number, text))
        elif what.startswith("old "):
            if xray is not None:
                self._take_old(what, xray, text)
        else:
            self._take_new(what, xray or make(number, ""), text)

    def _add(self, what: str, xray: XrayRecord) -> None:
        if what == "add":
            self._xrays.add(xray)
        elif what == "score":
            assert self._xrays.add_scored([done(xray)]) == []
        else:
            self._old.add(xray if what == "old add" else done(xray))

    def _take_new(self, what: str, xray: XrayRecord, text: str) -> None:
        if what == "finish":
            self._xrays.finish(end(xray, text))
        elif what == "review":
            try:
                self._reviews.put(xray.id, label="unsure", note=text, reader="ann", at=NOW)
            except (XrayMissing, NotReviewable):
                assert not xray.prediction
        else:
            self._xrays.delete(xray)

    def _take_old(self, what: str, xray: XrayRecord, text: str) -> None:
        if what == "old finish":
            if xray.status == "queued":
                self._old.finish(end(self._old.get(xray.id), text))
        elif what == "old review":
            if xray.prediction:
                self._old.review(xray.id, ReviewRecord("unsure", text, "bob", NOW.isoformat()))
        else:
            self._old.delete(xray.id)


def check_filters(client: redis.Redis) -> None:
    """Every combination of filters shows what the records say, newest first."""
    records = sorted(read_records(client).values(), key=lambda xray: xray.id, reverse=True)
    for status, decision, reviewed in itertools.product(
        (None, *STATUSES), (None, *DECISIONS), (None, True, False)
    ):
        expected = [
            listed(xray)
            for xray in records
            if status in (None, xray.status)
            and decision in (None, xray.prediction and xray.prediction.decision)
            and reviewed in (None, xray.review is not None)
        ]
        filters: dict[str, Any] = {"status": status, "decision": decision, "reviewed": reviewed}
        assert Worklist(client).page(**filters, limit=50) == (expected, None), filters
        oldest_first = Worklist(client).page(**filters, sort="oldest", limit=50)
        assert oldest_first == (expected[::-1], None), filters


def check_searches(client: redis.Redis) -> None:
    """Every word of every record finds the records with a word that begins so."""
    records = sorted(read_records(client).values(), key=lambda xray: xray.id, reverse=True)
    entries = {entry for xray in records for entry in list_entries(xray)}
    for word in sorted({entry.partition("\0")[0] for entry in entries} | {"r", "absent"}):
        expected = [
            listed(xray) for xray in records if any(e.startswith(word) for e in list_entries(xray))
        ]
        assert Worklist(client).page(q=word.upper(), limit=50) == (expected, None), word


@REAL_REDIS
@given(st.lists(STEPS, max_size=25))
def test_indexes_follow_the_records(client: redis.Redis, steps: list[tuple[str, int, str]]) -> None:
    """After each step the indexes hold exactly what the records say; no entry stays behind."""
    releases = Releases(client)
    for step in steps:
        releases.take(*step)
        check_indexes(client)
    check_filters(client)
    check_searches(client)


@REAL_REDIS
@given(st.lists(OLD_STEPS, max_size=25))
def test_hosts_of_two_releases_show_the_same_records(
    client: redis.Redis, steps: list[tuple[str, int, str]]
) -> None:
    """Filters are right after each step of either release; searches once the records are moved.

    The previous release reads every record, and lists all of them, but shows no heat map of those
    written by this one.
    """
    releases = Releases(client)
    for step in steps:
        releases.take(*step)
        check_filters(client)
        read = PreviousRelease(client).list_all()
        assert {xray.id for xray in read} == read_records(client).keys()
    while upgrade_batch(client):
        pass
    check_filters(client)
    for xray in read_records(client).values():
        XrayStore(client).finish(done(xray))  # the previous release added it without its words
    check_searches(client)
    remove_stale(client, lambda: False)
    check_lists_and_words(client)
