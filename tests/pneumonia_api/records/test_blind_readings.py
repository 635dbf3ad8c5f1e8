"""Who reads before the AI result is shown: both readings are kept, and changes of mind counted."""

from datetime import UTC, datetime

import pytest
import redis

from pneumonia_api.records.record import new_xray
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import done

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = datetime(2026, 12, 3, 12, tzinfo=UTC)
WEEK, NEXT_WEEK = "blind:2026-W48", "blind:2026-W49"

Entry = tuple[str, str, str | None]
"""Reader, label, and whether the AI result was shown."""


def read_in_turn(client: redis.Redis, *entries: Entry | int) -> dict[str, int]:
    """The counts after these entries; a number undoes the entry of that number."""
    xray = done(new_xray("doctor", "d1", "Study 7"))
    XrayStore(client).add(xray)
    for seen, entry in enumerate(entries):
        at = LATER if seen else NOW
        if isinstance(entry, int):
            reader, new = "ann", NewReading("withdrawn", seen=seen, undoes=entry)
        else:
            reader, label, ai = entry
            new = NewReading(label, seen=seen, ai=ai)
        Reviews(client).append(xray.id, new, reader=reader, at=at)
    counts = {}
    for week in (WEEK, NEXT_WEEK):
        for name, count in client.hgetall(week).items():
            if count != "0":
                counts[name.removeprefix("m1 pneumonia ")] = int(count)
    return counts


@pytest.mark.parametrize(
    ("entries", "counts"),
    [
        ([("ann", "normal", "hidden")], {"normal normal": 1}),
        ([("ann", "normal", "hidden"), ("ann", "pneumonia", "shown")], {"normal pneumonia": 1}),
        (
            [("ann", "normal", "hidden"), ("ann", "pneumonia", "shown"), 2],
            {"normal normal": 1},
        ),
        (
            [("ann", "normal", "hidden"), ("ann", "unsure", "hidden")],
            {"unsure unsure": 1},  # another thought before the result was shown
        ),
        (
            [
                ("ann", "normal", "hidden"),
                ("bob", "pneumonia", "hidden"),
                ("ann", "pneumonia", "shown"),
            ],
            {"normal pneumonia": 1, "pneumonia pneumonia": 1},
        ),
        ([("ann", "normal", "hidden"), ("ann", "withdrawn", "shown")], {}),
        ([("ann", "normal", "shown"), ("ann", "unsure", "hidden")], {}),  # had seen the result
        ([("ann", "normal", None)], {}),
    ],
)
def test_changes_of_mind_are_counted(
    client: redis.Redis, entries: list[Entry | int], counts: dict[str, int]
) -> None:
    """By what the reader thought before the AI result was shown, and what stands now."""
    assert read_in_turn(client, *entries) == counts


def test_change_of_mind_counts_in_the_week_of_the_first_reading(client: redis.Redis) -> None:
    """However late it comes."""
    read_in_turn(client, ("ann", "normal", "hidden"), ("ann", "pneumonia", "shown"))
    assert client.hgetall(WEEK)["m1 pneumonia normal pneumonia"] == "1"
    assert not client.exists(NEXT_WEEK)


def test_counts_expire_a_year_later(client: redis.Redis) -> None:
    """As those of all readings."""
    recent = datetime.now(UTC)
    xray = done(new_xray("doctor", "d1"))
    XrayStore(client).add(xray)
    Reviews(client).append(xray.id, NewReading("normal", ai="hidden"), reader="ann", at=recent)
    [key] = client.keys("blind:*")
    assert client.ttl(key) > 365 * 24 * 3600
