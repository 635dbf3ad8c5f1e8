"""Intervals of shares that several people contributed to."""

import pytest
from scipy.stats import binomtest, t

from pneumonia_api.intervals import estimate_share, find_student_quantile, find_wilson


@pytest.mark.parametrize(("count", "of"), [(0, 10), (1, 7), (5, 10), (10, 10), (59, 100)])
def test_one_person_has_wilsons_interval(count: int, of: int) -> None:
    """As scipy gives it."""
    found = estimate_share([(count, of)])
    assert (found.count, found.of, found.share) == (count, of, count / of)
    expected = binomtest(count, of).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 19, 30, 100, 1000])
def test_quantile_of_student(freedom: int) -> None:
    """Within 0.2 % of scipy's."""
    assert find_student_quantile(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=0.002)


def test_people_who_differ_say_less_than_their_answers() -> None:
    """The same counts: wider if some always follow and others never, than if all are alike."""
    alike = estimate_share([(5, 10)] * 10)
    unlike = estimate_share([(10, 10)] * 5 + [(0, 10)] * 5)
    assert alike.share == unlike.share == 0.5
    width = {each: each.high - each.low for each in (alike, unlike) if each.high and each.low}
    assert width[unlike] > 2.5 * width[alike]
    # Alike people are never worth more than as many independent answers.
    low, high = find_wilson(0.5, 100)
    assert width[alike] > high - low


def test_nobody_and_nothing() -> None:
    """No share without a number; a person without such an X-ray changes nothing."""
    empty = estimate_share([(0, 0)])
    assert (empty.of, empty.share, empty.low, empty.high) == (0, None, None, None)
    assert estimate_share([(3, 9), (0, 0)]) == estimate_share([(3, 9)])


def test_shares_at_the_ends_stay_within_them() -> None:
    """Nobody misled among ten readers: the interval begins at 0 and is not empty."""
    found = estimate_share([(0, 12)] * 10)
    assert found.low == 0
    assert found.high is not None
    assert 0.01 < found.high < 0.08
