"""`pneumonia_web.heat`: where a heat map is strongest, in words."""

import pytest

from pneumonia_web.heat import say_strongest


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (0, 0, "right upper zone"),
        (6, 1, "right lower zone"),
        (3, 6, "left middle zone"),
        (6, 3, "midline, lower zone"),
    ],
)
def test_strongest_place_has_the_patients_side(row: int, column: int, words: str) -> None:
    """The image's left is the patient's right."""
    rows = [[0.1] * 7 for _ in range(7)]
    rows[row][column] = 1.0
    assert say_strongest(rows) == words


def test_map_without_any_strength_points_nowhere() -> None:
    """Rather than at its first cell."""
    assert say_strongest([[0.0] * 7] * 7).startswith("nowhere")
