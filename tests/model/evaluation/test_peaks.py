"""`model.evaluation.peaks`: the mask of the body, and the peak of a heat map."""

import numpy as np

from model.evaluation.peaks import find_body, peak_is_inside


def make_film() -> np.ndarray:
    """A bright torso with two dark lungs on a dark film, and a lead letter in a corner."""
    film = np.full((160, 160), 4, np.uint8)
    film[20:160, 40:120] = 180
    film[50:110, 50:70] = film[50:110, 90:110] = 10
    film[4:16, 4:14] = 255
    return film


def peak_at(row: int, column: int) -> list[list[float]]:
    """A map of 16 x 16 cells with one peak."""
    heat = np.zeros((16, 16))
    heat[row, column] = 1
    return heat.tolist()


def test_lungs_are_body_and_letters_are_not() -> None:
    """Dark lungs are inside the bright torso; the margin and its letter are outside."""
    body = find_body(make_film())
    assert body[80, 60]
    assert body[140, 80]
    assert not body[10, 8]
    assert not body[80, 150]


def test_blank_film_has_no_body() -> None:
    """Every peak is outside."""
    assert not find_body(np.zeros((50, 50), np.uint8)).any()


def test_peak_is_judged_at_the_centre_of_its_cell() -> None:
    """In a lung: inside; on the letter and in the air: outside."""
    body = find_body(make_film())
    assert peak_is_inside(peak_at(8, 5), body)
    assert not peak_is_inside(peak_at(0, 0), body)
    assert not peak_is_inside(peak_at(8, 15), body)
