"""The list of readings on a real Redis: it only grows, and nobody answers unaware of another."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
import redis

from pneumonia_api.records import reviews as reviews_module
from pneumonia_api.records.readings import ReadingRecord, ReviewRecord
from pneumonia_api.records.record import XrayMissing, XrayRecord, new_xray
from pneumonia_api.records.reviews import (
    NewReading,
    NothingToWithdraw,
    ReadingKeyReused,
    ReadMeanwhile,
    Reviews,
    TooManyReadings,
)
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done, listed
from tests.pneumonia_api.records.previous_release import PreviousRelease

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WEEK = "reviews:2026-W48"


class Reading:
    """One judged X-ray, and people who read it."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.reviews = Reviews(client)
        self.xray = done(new_xray("doctor", "d1", "Study 7"))
        XrayStore(client).add(self.xray)

    def say(self, reader: str, label: str, **entry: object) -> XrayRecord:
        """Append an entry."""
        new = NewReading(label, **entry)
        return self.reviews.append(self.xray.id, new, reader=reader, at=NOW)

    def read(self) -> XrayRecord:
        """The record as it is stored."""
        return XrayStore(self.client).get(self.xray.id)

    def list_entries(self) -> list[tuple[str, str, bool]]:
        """Reader and label of each entry, and whether it stands."""
        return [(each.reader, each.label, each.stands) for each in self.read().readings]

    def count(self) -> dict[str, int]:
        """The counts of the week that are not 0, by label."""
        counts = self.client.hgetall(WEEK)
        return {name.split(" ")[-1]: int(n) for name, n in counts.items() if n != "0"}


@pytest.fixture
def case(client: redis.Redis) -> Reading:
    """An X-ray that nobody has read."""
    return Reading(client)


def test_entry_says_who_when_what_on_which_model_and_what_was_shown(case: Reading) -> None:
    """All of it is stored, and returned as it was stored."""
    answer = case.say("ann", "normal", note="Rotated", seen=0, ai="hidden", key="k")
    assert answer == case.read()
    [entry] = answer.readings
    assert ReadingRecord(**{**asdict(entry), "key": ""}) == ReadingRecord(
        label="normal",
        note="Rotated",
        reader="ann",
        reviewed_at="2026-11-25T12:00:00.000+00:00",
        number=1,
        model="m1",
        ai="hidden",
        stands=True,
    )
    assert answer.review == entry.review


def test_later_reading_does_not_erase_an_earlier_one(case: Reading) -> None:
    """A change of mind replaces what stands, another reader's does not; every entry is kept."""
    case.say("ann", "normal", seen=0)
    case.say("ann", "unsure", seen=1)
    case.say("bob", "pneumonia", seen=2)
    assert case.list_entries() == [
        ("ann", "normal", False),
        ("ann", "unsure", True),
        ("bob", "pneumonia", True),
    ]
    assert case.read().review == case.read().readings[2].review
    assert case.count() == {"pneumonia": 1}
    check_indexes(case.client)


@pytest.mark.parametrize("seen", [0, 2])
@pytest.mark.parametrize("reader", ["ann", "bob"])
def test_who_has_not_seen_the_list_is_refused(case: Reading, reader: str, seen: int) -> None:
    """Another reader, or the same one in another tab: nothing is written."""
    before = case.say("ann", "normal", seen=0)
    with pytest.raises(ReadMeanwhile):
        case.say(reader, "unsure", seen=seen)
    assert case.read() == before
    assert case.count() == {"normal": 1}


def test_of_many_readers_at_once_one_is_recorded(case: Reading) -> None:
    """All were shown the same empty list."""
    start = threading.Barrier(8)

    def answer(reader: str) -> bool:
        start.wait(10)
        try:
            case.say(reader, "normal", seen=0)
        except ReadMeanwhile:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        recorded = list(pool.map(answer, "abcdefgh"))
    assert recorded.count(True) == 1
    assert len(case.read().readings) == 1
    assert case.count() == {"normal": 1}


def test_entry_that_is_sent_again_is_recorded_once(case: Reading) -> None:
    """By its key, also after others have answered; another reader's same key is another entry."""
    first = case.say("ann", "normal", seen=0, key="k1")
    assert case.say("ann", "normal", seen=0, key="k1") == first
    case.say("bob", "normal", seen=1, key="k1")
    assert len(case.say("ann", "normal", seen=0, key="k1").readings) == 2
    with pytest.raises(ReadingKeyReused):
        case.say("ann", "unsure", seen=2, key="k1")
    assert len(case.read().readings) == 2


def test_repeated_put_is_one_reading(case: Reading) -> None:
    """A client without a key repeats a PUT after a lost answer; another label is another entry."""
    for label in ("normal", "normal", "unsure", "normal"):
        case.reviews.put(case.xray.id, label=label, note="", reader="ann", at=NOW)
    assert [label for _, label, _ in case.list_entries()] == ["normal", "unsure", "normal"]


def test_withdrawn_reading_no_longer_stands(case: Reading) -> None:
    """All that the reader said; then another's stands, or none, and the X-ray is to be reviewed."""
    case.say("bob", "unsure", seen=0)
    case.say("ann", "normal", seen=1, note="Kerley")
    case.say("ann", "pneumonia", seen=2, note="Kerley")
    case.say("ann", "withdrawn", seen=3)
    assert [stands for *_, stands in case.list_entries()] == [True, False, False, False]
    review = case.read().review
    assert review
    assert review.reader == "bob"
    assert case.count() == {"unsure": 1}
    assert Worklist(case.client).page(q="kerley", limit=5) == ([], None)
    last = case.say("bob", "withdrawn", seen=4)
    assert last.review is None
    assert case.count() == {}
    assert Worklist(case.client).page(reviewed=False, limit=5)[0] == [listed(last)]
    check_indexes(case.client)
    case.say("ann", "normal", seen=5)
    assert case.count() == {"normal": 1}


def test_undo_restores_what_stood_before(case: Reading) -> None:
    """A reading of the same reader, of another, or a withdrawal is as if it had never been."""
    case.say("ann", "normal", seen=0)
    case.say("ann", "pneumonia", seen=1)
    undone = case.say("ann", "withdrawn", seen=2, undoes=2)
    assert undone.review == undone.readings[0].review
    assert [stands for *_, stands in case.list_entries()] == [True, False, False]
    case.say("ann", "withdrawn", seen=3)
    assert case.count() == {}
    assert case.say("ann", "withdrawn", seen=4, undoes=4).review == undone.review
    assert case.count() == {"normal": 1}
    check_indexes(case.client)


@pytest.mark.parametrize(
    ("reader", "undoes"), [("bob", None), ("bob", 1), ("ann", 2), ("ann", 3)], ids=str
)
def test_only_what_is_ones_own_can_be_taken_back(
    case: Reading, reader: str, undoes: int | None
) -> None:
    """Nor can a person undo what is not the last entry, or an undoing."""
    case.say("ann", "normal", seen=0)
    with pytest.raises(NothingToWithdraw):
        case.say(reader, "withdrawn", seen=1, undoes=undoes)
    case.say("ann", "withdrawn", seen=1, undoes=1)
    with pytest.raises(NothingToWithdraw):
        case.say("ann", "withdrawn", seen=2, undoes=2)
    with pytest.raises(NothingToWithdraw):
        case.say("ann", "withdrawn", seen=2)
    assert len(case.read().readings) == 2


def test_list_has_an_end_but_a_reading_can_still_be_withdrawn(
    case: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No script can make a record that slows every page down."""
    monkeypatch.setattr(reviews_module, "MAX_READINGS", 2)
    case.say("ann", "normal", seen=0)
    case.say("ann", "unsure", seen=1)
    with pytest.raises(TooManyReadings):
        case.say("ann", "normal", seen=2)
    assert case.say("ann", "withdrawn", seen=2).review is None


def test_review_of_the_previous_release_is_the_first_reading(case: Reading) -> None:
    """It wrote one review into the record; the next reading keeps it, and so does its own host."""
    old = ReviewRecord("unsure", "Ask Ann", "ann", "2026-11-20T12:00:00.000+00:00")
    PreviousRelease(case.client).review(case.xray.id, old)
    [first] = case.read().readings
    assert (first.review, first.number, first.model, first.stands) == (old, 1, "m1", True)
    case.say("bob", "normal", seen=1)
    assert case.list_entries() == [("ann", "unsure", True), ("bob", "normal", True)]
    assert case.count() == {"normal": 1}


def test_host_of_the_previous_release_erases_nothing(case: Reading) -> None:
    """While hosts are upgraded one after another, it replaces the review, and no entry is lost."""
    case.say("ann", "normal", seen=0)
    PreviousRelease(case.client).review(
        case.xray.id, ReviewRecord("unsure", "", "bob", "2026-11-25T13:00:00.000+00:00")
    )
    assert case.list_entries() == [("ann", "normal", True), ("bob", "unsure", True)]
    case.say("bob", "withdrawn", seen=2)
    assert [stands for *_, stands in case.list_entries()] == [True, False, False]
    review = case.read().review
    assert review
    assert review.reader == "ann"


def test_field_of_a_later_release_is_skipped(case: Reading) -> None:
    """An entry that a later release wrote can still be read."""
    case.say("ann", "normal", seen=0)
    name = f"xray:{case.xray.id}"
    entry = json.loads(case.client.hget(name, "reading:1"))
    case.client.hset(name, "reading:1", json.dumps({**entry, "seconds": 4}))
    assert case.list_entries() == [("ann", "normal", True)]


def test_record_without_readings_has_no_field_for_them(case: Reading) -> None:
    """They cost no memory before somebody reads the X-ray."""
    fields = case.client.hkeys(f"xray:{case.xray.id}")
    assert [name for name in fields if name.startswith("reading")] == []
    with pytest.raises(XrayMissing):
        case.reviews.append("0" * 32, NewReading("normal", seen=0), reader="ann", at=NOW)
