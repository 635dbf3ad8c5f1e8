"""`model.evaluation.bootstrap`: properties of every interval, whatever the images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.evaluation.bootstrap import Metric, draw_patients, estimate, summarise

RESAMPLES = 40

Images = list[tuple[int, float, int]]
"""Label, value and number of the patient of each image."""

finite = st.floats(-1e6, 1e6, allow_nan=False)


def both_classes(images: Images) -> bool:
    """Whether a draw with both classes exists, so that drawing ends."""
    return len({label for label, _, _ in images}) == 2


images_of_patients = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0, 1), st.integers(0, 5)), min_size=2, max_size=30
).map(
    # All images of a patient have the same label, as in the data.
    lambda images: [(label, value, 2 * patient + label) for label, value, patient in images]
)
mixed = images_of_patients.filter(both_classes)


def split(images: Images) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Labels (N,), values (N,) and the names of the N patients."""
    labels, values, patients = zip(*images, strict=True)
    return np.array(labels), np.array(values), [f"patient {number:03d}" for number in patients]


def mean_of(values: np.ndarray) -> Metric:
    """The mean of the values of a draw."""
    return lambda indices: float(values[indices].mean())


@settings(deadline=None, max_examples=50)
@given(mixed, st.integers(0, 2**32 - 1))
def test_draws_hold_whole_patients_and_both_classes(images: Images, seed: int) -> None:
    """All images of a patient are in a draw equally often, and as many patients as there are."""
    labels, _, patients = split(images)
    names, cluster = np.unique(patients, return_inverse=True)
    for drawn in draw_patients(labels, patients, seed, RESAMPLES):
        counts = np.bincount(drawn, minlength=len(images))
        times = [set(counts[cluster == number].tolist()) for number in range(len(names))]
        assert all(len(one) == 1 for one in times)
        assert sum(one.pop() for one in times) == len(names)
        assert set(labels[drawn].tolist()) == {0, 1}


@settings(deadline=None, max_examples=50)
@given(finite, st.lists(finite, min_size=1, max_size=50))
def test_interval_contains_the_median_of_the_resamples(
    value: float, resampled: list[float]
) -> None:
    """The interval lies within the resamples, around their median, to four decimals."""
    found = summarise(value, resampled)
    assert found.low is not None and found.high is not None
    assert min(resampled) - 1e-4 <= found.low <= found.high <= max(resampled) + 1e-4
    assert found.low - 1e-4 <= np.median(resampled) <= found.high + 1e-4
    assert found.value == round(value, 4)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(5, 20))
def test_interval_of_a_mean_contains_the_estimate(seed: int, patients: int) -> None:
    """The mean over one image of each patient lies in its interval over 200 draws."""
    labels = np.arange(2 * patients) % 2
    values = np.random.default_rng(seed).random(2 * patients)
    names = [str(number) for number in range(2 * patients)]
    draws = draw_patients(labels, names, seed, 200)
    found = estimate({"mean": mean_of(values)}, len(labels), draws)["mean"]
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.low <= found.value <= found.high


@settings(deadline=None, max_examples=50)
@given(mixed, st.integers(0, 2**32 - 1), st.data())
def test_order_of_the_images_changes_nothing(
    images: Images, seed: int, data: st.DataObject
) -> None:
    """The same patients with the same images in another order give the same interval."""
    shuffled = data.draw(st.permutations(images))
    found = []
    for some in (images, shuffled):
        labels, values, patients = split(some)
        draws = draw_patients(labels, patients, seed, RESAMPLES)
        found.append(estimate({"mean": mean_of(values)}, len(labels), draws))
    assert found[0]["mean"] == pytest.approx(found[1]["mean"], abs=1.1e-4)


@settings(deadline=None, max_examples=50)
@given(mixed, st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_constant_data_give_a_point(images: Images, constant: float, seed: int) -> None:
    """Without variation the interval is the value itself."""
    labels, _, patients = split(images)
    values = np.full(len(labels), constant)
    draws = draw_patients(labels, patients, seed, RESAMPLES)
    found = estimate({"mean": lambda i: np.median(values[i])}, len(labels), draws)["mean"]
    assert found.value == found.low == found.high == round(constant, 4)
