"""A lead takes back what somebody else read: the list says so, and it is to review again."""

from datetime import UTC, datetime

import pytest
import redis

from pneumonia_api.records.readings import find_blind_readings
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.reviews import (
    NewReading,
    NothingToWithdraw,
    ReadingKeyReused,
    ReadMeanwhile,
    Reviews,
)
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Readers:
    """One judged X-ray, and people who read it."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.xray = done(new_xray("doctor", "d1", "Study 7"))
        XrayStore(client).add(self.xray)

    def say(self, reader: str, label: str, **entry: object) -> XrayRecord:
        """Append an entry."""
        new = NewReading(label, **entry)
        return Reviews(self.client).append(self.xray.id, new, reader=reader, at=NOW)

    def list_standing(self) -> list[tuple[str, str]]:
        """Reader and label of what stands."""
        readings = XrayStore(self.client).get(self.xray.id).readings
        return [(each.reader, each.label) for each in readings if each.stands]

    def count(self) -> dict[str, int]:
        """The counts of the week that are not 0, by label."""
        counts = self.client.hgetall("reviews:2026-W48")
        return {name.split(" ")[-1]: int(n) for name, n in counts.items() if n != "0"}


@pytest.fixture
def readers(client: redis.Redis) -> Readers:
    """A judged X-ray that Ann has read twice."""
    found = Readers(client)
    found.say("ann", "pneumonia")
    found.say("ann", "normal", note="Rotated")
    return found


def test_a_reopened_reading_does_not_count(readers: Readers, client: redis.Redis) -> None:
    """Nor does what its reader had said before; the list keeps all of it, and who took it back."""
    read = readers.say("lead", "withdrawn", reopens=2, seen=2, note="Wrong side")
    assert readers.list_standing() == []
    assert read.review is None
    assert readers.count() == {}
    assert [(e.reader, e.label, e.note, e.reopens) for e in read.readings] == [
        ("ann", "pneumonia", "", None),
        ("ann", "normal", "Rotated", None),
        ("lead", "withdrawn", "Wrong side", 2),
    ]
    check_indexes(client)
    again = readers.say("ann", "unsure")
    assert readers.list_standing() == [("ann", "unsure")]
    assert again.review.label == "unsure"
    assert readers.count() == {"unsure": 1}


def test_the_reading_of_the_lead_is_another_matter(readers: Readers) -> None:
    """Before the reopening or after it."""
    readers.say("lead", "pneumonia")
    readers.say("lead", "withdrawn", reopens=2)
    assert readers.list_standing() == [("lead", "pneumonia")]
    readers.say("lead", "normal")
    readers.say("ann", "normal")
    assert readers.list_standing() == [("lead", "normal"), ("ann", "normal")]


def test_a_reopening_can_be_undone(readers: Readers) -> None:
    """By who made it, as the last entry."""
    readers.say("lead", "withdrawn", reopens=2)
    with pytest.raises(NothingToWithdraw):
        readers.say("ann", "withdrawn", undoes=3)
    readers.say("lead", "withdrawn", undoes=3)
    assert readers.list_standing() == [("ann", "normal")]
    assert readers.count() == {"normal": 1}


def test_only_a_reading_of_somebody_else_that_stands(readers: Readers) -> None:
    """Neither an earlier one, nor none, nor one's own, nor unaware of what came after."""
    for reader, number in (("lead", 1), ("lead", 3), ("lead", 0), ("ann", 2)):
        with pytest.raises(NothingToWithdraw):
            readers.say(reader, "withdrawn", reopens=number)
    with pytest.raises(ReadMeanwhile):
        readers.say("lead", "withdrawn", reopens=2, seen=1)
    readers.say("lead", "withdrawn", reopens=2, key="k")
    assert len(readers.say("lead", "withdrawn", reopens=2, key="k").readings) == 3
    with pytest.raises(ReadingKeyReused):
        readers.say("lead", "withdrawn", reopens=1, key="k")
    with pytest.raises(NothingToWithdraw):
        readers.say("lead", "withdrawn", reopens=2, key="k2")


def test_the_reader_study_counts_the_new_reading(client: redis.Redis) -> None:
    """The first answer without the result stays the one before; a reopening is no answer."""
    readers = Readers(client)
    readers.say("ann", "normal", ai="hidden")
    readers.say("lead", "withdrawn", reopens=1)
    assert find_blind_readings(XrayStore(client).get(readers.xray.id).readings) == frozenset()
    read = readers.say("ann", "pneumonia", ai="shown")
    [blind] = find_blind_readings(read.readings)
    assert (blind.before, blind.after) == ("normal", "pneumonia")
