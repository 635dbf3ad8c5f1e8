"""`acceptance.calibration`: a planted slope and shift are found, at any prevalence."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pneumonia_api.acceptance.calibration import fit_line, measure_calibration
from tests.pneumonia_api.acceptance.films import Hospital, find_odds, make


def test_line_is_that_of_scikit_learn() -> None:
    """The same weighted regression, without its penalty."""
    films = list(Hospital(ill=0.2, steeper=1.7, shift=0.6).take(600, seed=1))
    fitted = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10).fit(
        np.array([[find_odds(film)] for film in films]), [film.ill for film in films]
    )
    found = fit_line(films)
    assert found
    assert found[0][0] == pytest.approx(fitted.intercept_[0], abs=1e-4)
    assert found[0][1] == pytest.approx(fitted.coef_[0][0], abs=1e-4)


@pytest.mark.parametrize(
    ("steeper", "shift", "slope", "intercept"),
    [(1.0, 0.0, 1.0, 0.0), (2.0, 0.0, 0.5, 0.0), (1.0, 1.5, 1.0, -1.5)],
)
def test_planted_fault_is_found_at_any_prevalence(
    steeper: float, shift: float, slope: float, intercept: float
) -> None:
    """The share of the ill is no fault of the model, and does not show as one."""
    for ill in (0.1, 0.5):
        films = list(Hospital(ill=ill, steeper=steeper, shift=shift).take(6000, seed=2))
        found = measure_calibration(films)
        assert found
        assert found.slope.low <= slope <= found.slope.high
        assert found.intercept.low <= intercept <= found.intercept.high
        assert found.slope.high - found.slope.low < 0.3


def test_intervals_cover_the_truth() -> None:
    """Of 200 hospitals with a right model, about 95 % have 1 in the interval of the slope."""
    found = [measure_calibration(list(Hospital().take(300, seed))) for seed in range(200)]
    covered = sum(1 for each in found if each and each.slope.low <= 1 <= each.slope.high)
    assert 0.9 * len(found) <= covered <= 0.99 * len(found)


def test_error_of_a_right_model_is_what_chance_gives() -> None:
    """The calibration error is never 0; that of few films is large even if nothing is wrong."""
    found = [measure_calibration(list(Hospital().take(200, seed))) for seed in range(50)]
    errors = [each.error.value for each in found if each]
    chances = [each.chance for each in found if each]
    assert np.mean(errors) == pytest.approx(np.mean(chances), rel=0.15)
    wrong = measure_calibration(list(Hospital(shift=2).take(4000, seed=1)))
    assert wrong and wrong.error.low > 3 * wrong.chance


def test_films_that_a_threshold_separates_have_no_slope() -> None:
    """A steeper line would always fit better, and a number would be invented."""
    films = [make(n, ill=n > 5, probability=0.1 * n) for n in range(10)]
    assert measure_calibration(films) is None
    assert measure_calibration([make(0, ill=True, probability=0.5)]) is None


@pytest.mark.parametrize("steeper", [0.2, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("shift", [-6.0, 0.0, 6.0])
def test_line_is_found_however_wrong_the_model_is(steeper: float, shift: float) -> None:
    """Far too sure, far too unsure, or far off: the fit converges."""
    found = fit_line(list(Hospital(ill=0.3, steeper=steeper, shift=shift).take(300, seed=7)))
    assert found and found[0][1] > 0
