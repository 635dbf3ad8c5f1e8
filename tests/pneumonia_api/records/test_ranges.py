"""`pneumonia_api.records.ranges` on a real Redis: several sources as one, sorted by time."""

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumonia_api.records.ranges import Range, merge

IDS = st.sets(st.integers(0, 40).map("{:02}".format), max_size=20)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(IDS, max_size=4), IDS, st.none() | st.just("20"), st.integers(1, 7), st.booleans())
def test_merged_sources_miss_nothing(
    client: redis.Redis,
    sources: list[set[str]],
    more: set[str],
    after: str | None,
    count: int,
    oldest_first: bool,
) -> None:
    """However many ids are read at a time, each comes once, in order, and nothing else does."""
    client.flushall()
    client.zadd("set", {"a\0": 0, "a\1b": 0, "b": 0})
    for number, ids in enumerate(sources):
        client.zadd("set", {f"a{number}\0{each}": 0 for each in ids} | {f"a{number}x\0{99}": 0})
    ranges = [Range("set", f"a{number}\0") for number in range(len(sources))]
    newest = sorted(more, reverse=True)
    merged = merge(client, ranges, newest, after, count, oldest_first=oldest_first)
    expected = {
        each
        for each in more.union(*sources)
        if after is None or (each > after if oldest_first else each < after)
    }
    found = [each for part in merged for each in part]
    assert found == sorted(expected, reverse=not oldest_first)
