"""`pneumonia_api.records.worklist` against a real Redis."""

import time
from dataclasses import replace

import pytest
import redis

from pneumonia_api.records.record import ReviewRecord, new_xray
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import done


@pytest.fixture
def added(client: redis.Redis) -> list[str]:
    """Ids of 25 finished X-rays, newest first: every second one is normal, number 5 reviewed."""
    xrays = XrayStore(client)
    ids = []
    for number in range(25):
        xray = done(new_xray("doctor", f"d{number}", f"Study {number}"))
        if number % 2:
            xray = done(xray, "normal")
        if number == 5:
            xray = replace(
                xray, review=ReviewRecord("unsure", "Ask Ann", "doctor", xray.created_at)
            )
        xrays.add(xray)
        ids.append(xray.id)
        time.sleep(0.0012)
    return ids[::-1]


@pytest.fixture
def worklist(client: redis.Redis) -> Worklist:
    """The API's worklist."""
    return Worklist(client)


def test_pages_follow_each_other_without_gap_or_repeat(
    worklist: Worklist, added: list[str]
) -> None:
    """Newest first, page by page."""
    seen: list[str] = []
    cursor = None
    while True:
        page, cursor = worklist.page(cursor=cursor, limit=10)
        seen += [xray.id for xray in page]
        if not cursor:
            break
    assert seen == added


def test_filters_keep_what_they_name(worklist: Worklist, added: list[str]) -> None:
    """Filters by decision, status and review work alone and combined."""
    normal, cursor = worklist.page(status="done", decision="normal", limit=200)
    assert [xray.id for xray in normal] == added[1::2]
    assert cursor is None
    assert worklist.page(status="queued", limit=5) == ([], None)
    assert worklist.page(status="queued", decision="normal", limit=5) == ([], None)
    reviewed, cursor = worklist.page(reviewed=True, limit=5)
    assert [xray.reference for xray in reviewed] == ["Study 5"]
    assert cursor is None
    assert worklist.page(reviewed=True, decision="normal", limit=5)[0] == reviewed
    assert worklist.page(reviewed=True, decision="pneumonia", limit=5) == ([], None)
    assert len(worklist.page(reviewed=False, limit=200)[0]) == 24


def test_search_looks_into_reference_note_and_id(worklist: Worklist, added: list[str]) -> None:
    """The search ignores case."""
    for q, number in (("study 24", 24), ("ASK ann", 5), (added[0][-12:].upper(), 24)):
        assert [xray.reference for xray in worklist.page(q=q, limit=5)[0]] == [f"Study {number}"]


def test_search_without_match_ends_early_and_goes_on_by_cursor(
    worklist: Worklist, added: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call searches a limited number of X-rays; the cursors lead to the last one."""
    monkeypatch.setattr("pneumonia_api.records.worklist.MAX_SCANNED", 10)
    assert worklist.page(q="study 2", limit=5)[1] == added[9]
    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor:
        page, cursor = worklist.page(q="study 0", cursor=cursor, limit=5)
        pages.append([xray.id for xray in page])
    assert pages == [[], [], [added[-1]]]


def count_calls(client: redis.Redis) -> dict[str, int]:
    """Number of calls by Redis command since `config resetstat`."""
    stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(each["calls"]) for name, each in stats.items()}


def test_filters_and_searches_read_the_records_that_they_show(
    client: redis.Redis, worklist: Worklist, added: list[str]
) -> None:
    """Others are filtered by indexes or by two fields; their records are not read."""
    for query, shown in (
        ({"reviewed": False, "status": "done"}, 24),
        ({"reviewed": True, "decision": "normal"}, 1),
        ({"reviewed": True, "status": "queued"}, 0),
        ({"q": "study 24"}, 1),
        ({"q": "ask ann", "reviewed": True}, 1),
    ):
        client.config_resetstat()
        page, _ = worklist.page(**query, limit=200)
        calls = count_calls(client)
        assert len(page) == calls.get("hgetall", 0) == shown, query
        assert calls.get("hmget", 0) == (
            0 if "q" not in query else 1 if "reviewed" in query else len(added)
        ), query


def test_page_reads_no_more_than_it_shows(
    client: redis.Redis, worklist: Worklist, added: list[str]
) -> None:
    """Without a search only the newest records are read."""
    client.config_resetstat()
    page, cursor = worklist.page(limit=5)
    assert [xray.id for xray in page] == added[:5]
    assert cursor == added[4]
    assert count_calls(client)["hgetall"] == 5


def test_what_waits_for_review_is_found_behind_thousands_that_were_reviewed(
    client: redis.Redis, worklist: Worklist, added: list[str]
) -> None:
    """The oldest record without a review is on the first page."""
    newer = {f"f{number:031x}": 0 for number in range(3000)}
    client.zadd("xrays", newer)
    client.zadd("xrays:status:done", newer)
    client.zadd("xrays:reviewed", {**newer, **dict.fromkeys(added[:-1], 0)})
    page, cursor = worklist.page(reviewed=False, status="done", limit=5)
    assert [xray.id for xray in page] == [added[-1]]
    assert cursor is None


def test_listing_many_that_do_not_match_goes_on_by_cursor(
    worklist: Worklist, added: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long walk through an index ends the page early, too."""
    monkeypatch.setattr("pneumonia_api.records.worklist.MAX_LISTED", 10)
    assert worklist.page(reviewed=True, decision="pneumonia", limit=5) == ([], None)
    page, cursor = worklist.page(reviewed=False, limit=200)
    assert [xray.id for xray in page] == added[:10]
    assert cursor == added[9]
