"""`pneumonia_api.records.ranges` on a real Redis: several sources as one, newest first."""

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumonia_api.records.ranges import Range, merge

IDS = st.sets(st.integers(0, 40).map("{:02}".format), max_size=20)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(IDS, max_size=4), IDS, st.none() | st.just("20"), st.integers(1, 7))
def test_merged_sources_miss_nothing(
    client: redis.Redis, sources: list[set[str]], more: set[str], before: str | None, count: int
) -> None:
    """However many ids are read at a time, each comes once, in order, and nothing else does."""
    client.flushall()
    client.zadd("set", {"a\0": 0, "a\1b": 0, "b": 0})
    for number, ids in enumerate(sources):
        client.zadd("set", {f"a{number}\0{each}": 0 for each in ids} | {f"a{number}x\0{99}": 0})
    ranges = [Range("set", f"a{number}\0") for number in range(len(sources))]
    merged = merge(client, ranges, sorted(more, reverse=True), before, count)
    expected = {each for each in more.union(*sources) if before is None or each < before}
    assert [each for ids in merged for each in ids] == sorted(expected, reverse=True)
