"""`acceptance.figures`: the figures agree with numpy's and scikit-learn's, intervals with truth."""

import random

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumonia_api.acceptance.figures import (
    Estimate,
    compare,
    count_needed,
    estimate_auc,
    group_by,
    measure,
)
from pneumonia_api.intervals import find_wilson
from tests.pneumonia_api.acceptance.films import Hospital, make


def test_auc_is_that_of_scikit_learn_also_with_ties() -> None:
    """Equal probabilities count half."""
    films = [
        make(n, ill=n % 3 == 0, probability=round(random.Random(n).random(), 1))  # noqa: S311
        for n in range(200)
    ]
    area = estimate_auc(films)
    expected = roc_auc_score([f.ill for f in films], [f.probability for f in films])
    assert area and area.value == pytest.approx(expected)


def test_no_auc_of_one_class() -> None:
    """Without ill patients there is nothing to tell apart."""
    assert estimate_auc([make(0, ill=False, probability=0.1)]) is None
    assert measure([]).sensitivity.share is None


def test_perfect_auc_keeps_an_interval() -> None:
    """Twenty films that are all told apart prove little."""
    films = [make(n, ill=n < 10, probability=0.9 if n < 10 else 0.1) for n in range(20)]
    area = estimate_auc(films)
    assert area and area.value == 1 and area.high == pytest.approx(1)
    assert 0.7 < area.low < 0.95


@pytest.mark.parametrize("each", [1, 4])
def test_intervals_cover_the_truth_also_where_patients_have_several_films(each: int) -> None:
    """95 % of intervals should hold the figure of very many films; copies of a film add nothing."""
    hospital = Hospital(distance=1.2, each=each)
    truth = measure(list(Hospital(distance=1.2).take(40_000, seed=1)))
    assert truth.auc and truth.specificity.share
    covered = {"auc": 0, "specificity": 0}
    rounds = 200
    for seed in range(rounds):
        found = measure(list(hospital.take(160 * each, seed)))
        assert found.auc and found.specificity.low is not None and found.specificity.high
        covered["auc"] += found.auc.low <= truth.auc.value <= found.auc.high
        covered["specificity"] += (
            found.specificity.low <= truth.specificity.share <= found.specificity.high
        )
    assert min(covered.values()) >= 0.9 * rounds
    assert max(covered.values()) <= rounds


def test_films_of_few_patients_are_worth_less() -> None:
    """The interval of 200 films of 50 patients is wider than that of 200 patients."""
    many = estimate_auc(list(Hospital(distance=1).take(200, seed=3)))
    few = estimate_auc(list(Hospital(distance=1, each=4).take(200, seed=3)))
    assert many and few
    assert few.high - few.low > 1.5 * (many.high - many.low)


def test_the_number_needed_gives_the_width() -> None:
    """With it the interval is as narrow as asked, and with one patient less it is not."""
    for share in (0.5, 0.83, 0.95, 1.0):
        for width in (0.05, 0.1, 0.2):
            number = count_needed(share, width)
            low, high = find_wilson(share, number)
            assert high - low <= width + 1e-9
            low, high = find_wilson(share, number - 1)
            assert high - low > width


def test_a_change_has_the_uncertainty_of_both() -> None:
    """Its interval is wider than either, and holds 0 where the two overlap well."""
    change = compare(Estimate(0.80, 0.74, 0.85), Estimate(0.83, 0.78, 0.88))
    assert change.value == pytest.approx(-0.03)
    assert change.low == pytest.approx(-0.03 - np.hypot(0.06, 0.05))
    assert change.high == pytest.approx(-0.03 + np.hypot(0.05, 0.05))


def test_groups_have_their_own_figures() -> None:
    """By whatever names the films."""
    films = [make(n, ill=n % 2 == 0, probability=0.9, age="within") for n in range(4)]
    films += [make(9, ill=False, probability=0.1, age="above")]
    groups = group_by(films, lambda film: film.age)
    assert list(groups) == ["above", "within"]
    assert (groups["within"].specificity.count, groups["above"].specificity.count) == (0, 1)
