"""The reader study finds what was planted, and counts what its words say."""

import pytest
import redis

from pneumonia_api.reader_study import study
from pneumonia_api.records.comparisons import Comparison, list_comparisons
from tests.pneumonia_api.simulated_readers import (
    SEED,
    Plan,
    contains,
    measure_coverage,
    send,
    simulate,
)

P, N, U = "pneumonia", "normal", "unsure"


def read(
    before: str, after: str, advice: str, truth: str | None, reader: str = "ann"
) -> Comparison:
    """One X-ray of a reader."""
    return Comparison(reader, before, after, advice, truth)


@pytest.mark.parametrize(
    ("before", "after", "advice", "truth", "helped", "misled"),
    [
        (N, P, P, P, (1, 1), (0, 0)),
        (N, N, P, P, (0, 1), (0, 0)),
        (U, P, P, P, (1, 1), (0, 0)),
        (P, U, P, N, (0, 0), (0, 0)),  # both were wrong: it neither helps nor misleads
        (P, N, N, P, (0, 0), (1, 1)),
        (P, U, N, P, (0, 0), (1, 1)),
        (P, P, N, P, (0, 0), (0, 1)),
        (P, N, P, P, (0, 0), (0, 0)),  # against right advice
        (P, N, N, None, (0, 0), (0, 0)),  # nobody knows
    ],
)
def test_helped_and_misled(
    before: str,
    after: str,
    advice: str,
    truth: str | None,
    helped: tuple[int, int],
    misled: tuple[int, int],
) -> None:
    """Each of how many: only what right advice mended, or wrong advice broke."""
    found = study([read(before, after, advice, truth)]).overall
    assert (found.helped.count, found.helped.of) == helped
    assert (found.misled.count, found.misled.of) == misled


def test_changes_of_mind_need_no_outcome() -> None:
    """Towards the AI and away from it are counted on all X-rays."""
    found = study([read(N, P, P, None), read(U, U, P, None), read(P, N, P, None)]).overall
    assert (found.answers, found.confirmed) == (3, 0)
    assert (found.towards.count, found.towards.of) == (1, 2)
    assert (found.away.count, found.away.of) == (1, 1)
    assert found.right_after.share is None


def test_each_reader_and_all() -> None:
    """By name, and together."""
    found = study([read(N, P, P, P), read(P, P, N, P, "bob"), read(P, N, N, P, "bob")])
    assert found.people == 2
    assert found.readers["ann"].helped.count == 1
    assert found.readers["bob"].misled.of == 2
    assert found.overall.answers == 3
    assert study([]).overall.answers == 0


def test_times_are_medians_of_what_was_measured() -> None:
    """Answers without a time do not count."""
    times = [(4.0, 1.5), (10.0, None), (6.0, 2.5), (None, None)]
    found = study(Comparison("ann", P, P, P, P, *each) for each in times).overall
    assert (found.before.count, found.before.median) == (3, 6.0)
    assert (found.after.count, found.after.median) == (2, 2.0)


def test_planted_bias_is_recovered_through_the_service(client: redis.Redis) -> None:
    """Twenty readers answer by the code of the API, and its study has what was planted."""
    plan = Plan()
    send(client, simulate(plan, SEED))
    found = study(list_comparisons(client))
    assert found.people == plan.readers
    assert found.overall.answers == found.overall.confirmed == plan.readers * plan.xrays
    assert contains(found.overall.misled, plan.misled)
    assert contains(found.overall.helped, plan.helped)
    # The interval is narrow enough to tell this bias from none and from twice as much.
    assert not contains(found.overall.misled, 0.1)
    assert not contains(found.overall.misled, 2 * plan.misled)
    # What was sent is what is found, name by name, with the times.
    assert found == study(simulate(plan, SEED))


@pytest.mark.parametrize("plan", [Plan(), Plan(misled=0.1, helped=0.8, alike=4)])
def test_intervals_contain_the_planted_bias_in_95_of_100_simulations(plan: Plan) -> None:
    """Chance alone moves the share of so few by up to 3 points (three deviations).

    `python -m tests.pneumonia_api.simulated_readers` has the figure of 2000.
    """
    for name, covered in measure_coverage(plan, 500).items():
        assert 0.92 <= covered <= 0.98, name


def test_no_bias_is_found_where_none_is_planted() -> None:
    """Readers who never follow wrong advice: nobody misled, and the interval begins at 0."""
    found = study(simulate(Plan(misled=0), SEED)).overall.misled
    assert (found.count, found.low) == (0, 0)
