"""`pneumonia_api.records.worklist` against a real Redis."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from pneumonia_api.records import keys, search
from pneumonia_api.records.readings import ReviewRecord
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.reviews import Reviews
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
    """Newest first, page by page; an empty cursor, as of an empty parameter, is none."""
    seen: list[str] = []
    cursor: str | None = ""
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
    for q, number in (("study 24", 24), ("ASK ann", 5), (added[0].upper(), 24)):
        assert [xray.reference for xray in worklist.page(q=q, limit=5)[0]] == [f"Study {number}"]


def test_search_finds_what_begins_with_each_word(client: redis.Redis, worklist: Worklist) -> None:
    """In any order and case, and across punctuation; the middle of a word finds nothing."""
    xray = new_xray("doctor", "d", "RX-2026/0042 Straße")
    XrayStore(client).add(xray)
    for q in ("rx", "RX-2026/0042", "0042", "0042 rx-2026", "00", "strasse", "…0042", " rx "):
        assert worklist.page(q=q, limit=5) == ([xray], None), q
    for q in ("x", "042", "rx 43", "rx-2026/00421", "strasses", "-", "/", "\0", "rx\0"):
        expected = [xray] if q == "rx\0" else []
        assert worklist.page(q=q, limit=5) == (expected, None), q


def test_xray_without_reference_is_found_by_what_the_list_shows(
    client: redis.Redis, worklist: Worklist
) -> None:
    """The list shows the last eight digits of its id; the whole id finds every X-ray."""
    bare, named = new_xray("doctor", "d"), new_xray("doctor", "e", "RX 1")
    for xray in (bare, named):
        XrayStore(client).add(xray)
    assert worklist.page(q=f"…{bare.id[-8:].upper()}", limit=5)[0] == [bare]
    for xray in (bare, named):
        assert worklist.page(q=xray.id, limit=5)[0] == [xray]
        assert worklist.page(q=xray.id[:20], limit=5)[0] == [xray]
    assert worklist.page(q=named.id[-8:], limit=5)[0] == []
    assert worklist.page(q=bare.id[:8], limit=5)[0] == []


def test_replaced_note_is_not_found_any_more(
    client: redis.Redis, worklist: Worklist, added: list[str]
) -> None:
    """The words of the new note take the place of the old ones."""
    reviews = Reviews(client)
    reviews.put(added[0], label="unsure", note="Ask Bea", reader="ann", at=datetime.now(UTC))
    reviews.put(added[0], label="unsure", note="Ask Carl", reader="ann", at=datetime.now(UTC))
    assert worklist.page(q="bea", limit=5)[0] == []
    for q in ("ask carl", "study 24"):
        assert [xray.id for xray in worklist.page(q=q, limit=5)[0]] == [added[0]]


def test_search_for_too_many_words_ends_early_and_goes_on_by_cursor(
    worklist: Worklist, added: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call checks a limited number of X-rays; the cursors lead to the last one."""
    monkeypatch.setattr("pneumonia_api.records.worklist.MAX_SCANNED", 10)
    monkeypatch.setattr("pneumonia_api.records.worklist.CHECKED_AT_ONCE", 10)
    monkeypatch.setattr("pneumonia_api.records.search.MAX_SORTED", 0)
    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor:
        page, cursor = worklist.page(q="study 0", cursor=cursor, limit=5)
        pages.append([xray.id for xray in page])
    assert pages == [[added[-1]]]  # the whole word 0 is in one place
    monkeypatch.setattr("pneumonia_api.records.search.MAX_WORDS", 0)
    pages = []
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
    """The indexes leave out all others; a search checks those with the rarest of its words."""
    for query, shown, checked in (
        ({"reviewed": False, "status": "done"}, 24, 0),
        ({"reviewed": True, "decision": "normal"}, 1, 0),
        ({"reviewed": True, "status": "queued"}, 0, 0),
        ({"q": "study 24"}, 1, 1),
        ({"q": "study absent"}, 0, 0),
        ({"q": "ask ann", "reviewed": True}, 1, 1),
    ):
        client.config_resetstat()
        page, _ = worklist.page(**query, limit=200)
        calls = count_calls(client)
        assert len(page) == calls.get("hgetall", 0) == shown, query
        assert calls.get("hmget", 0) == checked, query


@pytest.mark.parametrize("limit", [5, 25])
def test_page_reads_no_more_than_it_shows(
    client: redis.Redis, worklist: Worklist, added: list[str], limit: int
) -> None:
    """Without a search only the newest records are read."""
    client.config_resetstat()
    page, cursor = worklist.page(limit=limit)
    assert [xray.id for xray in page] == added[:limit]
    assert cursor == (added[4] if limit == 5 else None)
    assert count_calls(client)["hgetall"] == limit


def test_few_matches_behind_thousands_of_others_are_on_the_first_page(
    client: redis.Redis, worklist: Worklist, added: list[str]
) -> None:
    """Whatever the filters, no other record is read to find them."""
    newer = {f"f{number:031x}": 0 for number in range(3000)}
    client.zadd("xrays", newer)
    client.zadd("xrays:normal:reviewed", newer)
    for filters, expected in (
        ({"reviewed": False, "status": "done"}, [x for n, x in enumerate(added) if n != 19]),
        ({"decision": "pneumonia"}, added[::2]),
    ):
        client.config_resetstat()
        page, cursor = worklist.page(**filters, limit=50)
        assert [xray.id for xray in page] == expected
        assert cursor is None
        assert count_calls(client)["hgetall"] == len(expected)


def test_search_for_one_word_reads_no_more_than_it_shows(
    client: redis.Redis, worklist: Worklist, added: list[str]
) -> None:
    """The index has answered it; only more words, and filters, need a look at each match."""
    del added

    def reads(**query: Any) -> int:
        before = client.info("commandstats")
        page, _ = worklist.page(**query, limit=3)
        after = client.info("commandstats")
        assert len(page) == 3
        return sum(
            after[name]["calls"] - before.get(name, {"calls": 0})["calls"]
            for name in ("cmdstat_hgetall", "cmdstat_hmget")
            if name in after
        )

    assert reads(q="study") == 3
    assert reads(q="study", decision="normal") > 3


def test_words_are_completed_in_one_round_trip(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All words of the index that begin so, or none if they are too many; of any alphabet."""
    words = [f"rx{number}" for number in range(5)] + ["ry", "räntgen", "r"]
    client.zadd(keys.WORDS, {f"{word}\0{n:032x}": 0 for word in words for n in range(3)})
    assert search.complete(client, "rx") == words[:5]
    assert search.complete(client, "rä") == ["räntgen"]
    assert search.complete(client, "r")[0] == "r"
    assert search.complete(client, "q") == []
    monkeypatch.setattr(search, "MAX_WORDS", 4)
    assert search.complete(client, "rx") == []
