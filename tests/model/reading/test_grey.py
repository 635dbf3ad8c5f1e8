"""`model.reading.grey`: windows agree with the pseudo-code of the standard."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model.reading.grey import window

repeatable = settings(derandomize=True, deadline=None, max_examples=200)

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")

numbers = st.floats(-1e5, 1e5)
widths = st.floats(1, 1e5)
anything = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


def by_standard(x: float, centre: float, width: float, function: str) -> float:
    """The pseudo-code of PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, from 0 to 255."""
    if function == "SIGMOID":
        power = -4 * (x - centre) / width
        return 255 / (1 + math.exp(power)) if power < 700 else 0.0
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    if x <= centre - width / 2:
        return 0.0
    if x > centre + width / 2:
        return 255.0
    return ((x - centre) / width + 0.5) * 255


@pytest.mark.parametrize("function", FUNCTIONS)
@repeatable
@given(x=numbers, centre=numbers, width=widths)
@example(x=100.0, centre=100.5, width=1.0)  # the upper end of black, where both ends coincide
@example(x=101.0, centre=100.5, width=1.0)
@example(x=0.0, centre=2048.0, width=4096.0)
@example(x=4095.0, centre=2048.0, width=4096.0)
def test_window_is_that_of_the_standard(
    function: str, x: float, centre: float, width: float
) -> None:
    """A scalar transcription of the pseudo-code gives the same grey."""
    [grey] = window(np.array([x]), centre, width, function)
    expected = by_standard(x, centre, width, function)
    if 1 < width < 1.001:  # a step within rounding of its position
        assert 0 <= grey <= 255
    else:
        assert grey == pytest.approx(expected, abs=1e-3)


def test_first_and_last_value_of_a_window_are_black_and_white() -> None:
    """Centre 2,048 and width 4,096 map 0 to black and 4,095 to white (PS3.3 C.11.2.1.2.1)."""
    assert window(np.array([0.0, 4095.0]), 2048, 4096, "LINEAR").tolist() == [0, 255]
    assert window(np.array([0.0, 4096.0]), 2048, 4096, "LINEAR_EXACT").tolist() == [0, 255]
    assert window(np.array([99.0, 100.0, 101.0]), 100.5, 1, "LINEAR").tolist() == [0, 0, 255]


@pytest.mark.parametrize("function", [*FUNCTIONS, "", "UNKNOWN"])
@repeatable
@given(st.lists(anything, min_size=1, max_size=20), anything, positive)
def test_any_window_is_monotone_and_within_bounds(
    function: str, values: list[float], centre: float, width: float
) -> None:
    """Whatever numbers a file holds: greys from 0 to 255 that never fall as values rise."""
    grey = window(np.sort(np.array(values)), centre, width, function)
    assert grey.min() >= 0
    assert grey.max() <= 255
    assert (np.diff(grey) >= -1e-9).all()


@repeatable
@given(st.lists(numbers, min_size=1, max_size=20), numbers, widths)
def test_unknown_function_is_linear(values: list[float], centre: float, width: float) -> None:
    """LINEAR is the default of the standard."""
    linear, other = (
        window(np.array(values), centre, width, function) for function in ("LINEAR", "OTHER")
    )
    assert np.array_equal(linear, other)
