"""`model.evaluation.conformal`: what split conformal prediction promises, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluation.conformal import choose_band, find_limit, find_promise, weigh_films
from model.evaluation.scores import Predictions
from model.serving.finding import UncertainBand, find


def make_patients(count: int, films: int = 1) -> list[str]:
    """`films` of each of `count` patients."""
    return [f"patient-{number}" for number in range(count) for _ in range(films)]


def predict(normal: list[float], ill: list[float]) -> Predictions:
    """One film of each patient."""
    labels = np.array([0] * len(normal) + [1] * len(ill))
    return Predictions(labels, np.array(normal + ill), make_patients(len(labels)))


def test_limit_is_the_order_statistic_of_the_finite_sample() -> None:
    """Of 99 scores at 5 %, the 95th: ceil(0.95 * 100); one more than the plain quantile."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100))
    assert find_limit(scores, make_patients(99), 0.05) == 95.0


@pytest.mark.parametrize(("patients", "possible"), [(18, False), (19, True)])
def test_too_few_patients_promise_nothing(patients: int, possible: bool) -> None:
    """5 % needs 19: with fewer, even the largest score is exceeded more often by a new one."""
    limit = find_limit(np.arange(float(patients)), make_patients(patients), 0.05)
    assert np.isfinite(limit) == possible


def test_films_of_one_patient_count_once() -> None:
    """Ten films of each of 18 patients are not 180 patients."""
    patients = make_patients(18, films=10)
    assert weigh_films(patients).sum() == pytest.approx(18 / 19)
    assert np.isinf(find_limit(np.arange(180.0), patients, 0.05))


def test_promise_holds_on_average() -> None:
    """2,000 times 60 patients calibrate and a new one is counted: 10 % are wrong, or a bit less.

    Exact: with continuous scores the new one is above the limit with probability 1 - 55 / 61.
    """
    random = np.random.default_rng(3)
    wrong = [
        float(drawn[60] > find_limit(drawn[:60], make_patients(60), 0.1))
        for drawn in random.normal(size=(2000, 61))
    ]
    expected = 6 / 61
    assert abs(np.mean(wrong) - expected) < 4 * np.sqrt(expected * (1 - expected) / 2000)


def test_promise_holds_for_patients_with_many_films() -> None:
    """Films of a patient are alike, and some patients have many; a new patient is counted.

    Counting films instead of patients would err here: 0.16 with this seed.
    """
    random = np.random.default_rng(4)
    wrong = []
    for _ in range(1500):
        level = random.normal(size=41)
        films = np.where(level[:40] < -0.5, 12, 1)  # the patients with many films score low
        scores = np.repeat(level[:40], films) + random.normal(0, 0.01, films.sum())
        patients = [f"p{n}" for n, count in enumerate(films) for _ in range(count)]
        limit = find_limit(scores, patients, 0.1)
        wrong.append(level[40] + random.normal(0, 0.01) > limit)
    assert np.mean(wrong) < 0.1 + 3 * np.sqrt(0.09 / 1500)


def test_band_is_between_the_limits_of_both_classes() -> None:
    """The lower end is the least of the ill, the upper one just above the highest of the others."""
    normal, ill = np.linspace(0.01, 0.6, 39).tolist(), np.linspace(0.4, 0.99, 39).tolist()
    band = choose_band(predict(normal, ill), 0.025)
    assert band
    assert band.low == 0.4
    assert band.high == np.nextafter(0.6, 1)
    assert find(0.6, 0.5, band) == "uncertain"
    assert find(band.high, 0.5, band) == "pneumonia_likely"


def test_classes_that_are_far_apart_leave_a_gap_that_is_uncertain() -> None:
    """Between them neither answer is possible."""
    band = choose_band(predict([0.1] * 19, [0.9] * 19), 0.05)
    assert band == UncertainBand(float(np.nextafter(0.1, 1)), 0.9)


def test_no_band_from_too_few() -> None:
    """One class is enough to refuse."""
    assert choose_band(predict([0.1] * 200, [0.9] * 18), 0.05) is None


@given(st.lists(st.floats(0.01, 0.99), min_size=25, max_size=60), st.floats(0.05, 0.4))
def test_chosen_band_promises_no_more_than_asked(values: list[float], error: float) -> None:
    """`find_promise` of the band that `choose_band` gives is within the error, with ties too."""
    predictions = predict(values, [1 - value for value in values])
    band = choose_band(predictions, error)
    assert band
    promise = find_promise(predictions, band)
    assert promise.missed <= error + 1e-4
    assert promise.alarmed <= error + 1e-4
