"""The contours of a report: the lines that the page draws, and the place that it names."""

import itertools
import math

import pytest
from flask import Flask

from pneumonia_api.report.contours import LEVELS, find_strongest, read_field, trace
from pneumonia_api.report.words import THIRDS
from pneumonia_web.heat import say_strongest
from pneumonia_web.language import serve_languages
from tests.pneumonia_api.report.read_xrays import heat


@pytest.mark.parametrize("level", LEVELS)
def test_contour_follows_its_level(level: float) -> None:
    """Everywhere, to within what the field bends inside one cell of the lattice."""
    rows = heat()
    strength = read_field(rows)
    lines = trace(rows, level)
    assert lines
    for line in lines:
        assert len(line) > 20
        for x, y in line:
            assert strength(x, y) == pytest.approx(level, abs=0.02)


def test_contour_around_a_peak_is_one_closed_line_with_the_peak_inside() -> None:
    """The crossing number of the peak's centre is odd, that of a far corner even."""
    [line] = trace(heat(row=8, column=5), 0.5)
    assert line[0] == line[-1]

    def crossings(x: float, y: float) -> int:
        edges = itertools.pairwise(line)
        return sum(
            (a[1] > y) != (b[1] > y) and x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
            for a, b in edges
        )

    assert crossings(5.5 / 16, 8.5 / 16) % 2 == 1
    assert crossings(0.95, 0.05) % 2 == 0


def test_contour_that_the_film_cuts_is_open_and_ends_at_its_edge() -> None:
    """Nothing joins its two ends."""
    [line] = trace(heat(row=8, column=0), 0.5)
    assert line[0] != line[-1]
    assert {line[0][0], line[-1][0]} == {0.0}


def test_two_peaks_have_two_contours() -> None:
    """Each has a line of its own."""
    one, other = heat(3, 3), heat(12, 12)
    rows = [
        [max(pair) for pair in zip(*both, strict=True)] for both in zip(one, other, strict=True)
    ]
    lines = trace(rows, 0.8)
    assert len(lines) == 2
    tops = sorted(min(y for _, y in line) for line in lines)
    assert math.isclose(tops[1] - tops[0], 9 / 16, abs_tol=0.02)


def test_map_without_strength_has_no_contour() -> None:
    """And no place."""
    assert find_strongest([[0.0] * 16] * 16) is None
    assert trace([[0.0] * 16] * 16, 0.5) == []


def test_report_names_the_place_as_the_page_does() -> None:
    """For a peak in each of the cells."""
    app = Flask(__name__)
    serve_languages(app)
    with app.test_request_context():
        for row in range(16):
            for column in range(16):
                rows = heat(row, column)
                side, third = find_strongest(rows) or ("", 0)
                words = say_strongest(rows).replace("midline,", "midline")
                assert words == f"{side} {THIRDS[third]} zone"
