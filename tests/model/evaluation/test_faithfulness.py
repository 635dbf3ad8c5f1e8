"""`model.evaluation.faithfulness`: curves that tell whether a map knows the network."""

import numpy as np
import pytest

from model.evaluation.faithfulness import (
    CENTRE,
    METHODS,
    OURS,
    PLUSPLUS,
    RANDOM,
    STEPS,
    correlate,
    draw_curves,
    find_area,
    make_orders,
    order_cells,
    score_curves,
)

CELLS, SIDE = 14, 224
SPOT = (slice(32, 64), slice(160, 192))
"""Four cells away from the centre, on which the made network depends."""


def predict(image: np.ndarray) -> float:
    """How bright the spot is; the rest of the image does not matter."""
    return float(image[SPOT].mean() / 255)


@pytest.fixture
def image() -> np.ndarray:
    """A dark film with a bright spot."""
    film = np.full((SIDE, SIDE, 1), 40, np.float32)
    film[SPOT] = 250
    return film


@pytest.fixture
def heatmap() -> np.ndarray:
    """The map that shows the spot."""
    heat = np.zeros((CELLS, CELLS))
    heat[2:4, 10:12] = 1
    return heat


def test_cells_are_in_order_of_strength() -> None:
    """The strongest first; equal ones in an order that the seed decides."""
    heat = np.array([[0.0, 3.0], [1.0, 0.0]])
    orders = {tuple(order_cells(heat, seed).tolist()) for seed in range(20)}
    assert orders == {(1, 2, 0, 3), (1, 2, 3, 0)}


def test_map_of_what_matters_is_better_than_the_centre(
    image: np.ndarray, heatmap: np.ndarray
) -> None:
    """Deletion falls sooner and insertion rises sooner; a map of the opposite is the worst."""
    orders = make_orders(heatmap, 1 - heatmap, seed=0)
    assert tuple(orders) == METHODS
    curves = draw_curves(predict, image, orders)
    deleted = {name: find_area(curve) for name, curve in curves.deletion.items()}
    inserted = {name: find_area(curve) for name, curve in curves.insertion.items()}
    assert deleted[OURS] < min(deleted[CENTRE], deleted[RANDOM]) < deleted[PLUSPLUS]
    assert inserted[OURS] > max(inserted[CENTRE], inserted[RANDOM]) > inserted[PLUSPLUS]


def test_curves_begin_and_end_alike(image: np.ndarray, heatmap: np.ndarray) -> None:
    """Whole and grey, blurred and whole, whatever the order; one prediction for each step."""
    curves = draw_curves(predict, image, make_orders(heatmap, heatmap, seed=0))
    for found in (curves.deletion, curves.insertion):
        assert {len(curve) for curve in found.values()} == {STEPS + 1}
        assert len({(curve[0], curve[-1]) for curve in found.values()}) == 1
    assert curves.deletion[OURS][0] == curves.insertion[OURS][-1] == predict(image)


def test_area_is_the_mean_of_the_curve() -> None:
    """A straight line from 1 to 0."""
    assert find_area(np.linspace(1, 0, STEPS + 1)) == pytest.approx(0.5)


def test_scores_compare_film_by_film() -> None:
    """Positive is better in both: less area in deletion, more in insertion."""
    good, bad = np.full(STEPS + 1, 0.2), np.full(STEPS + 1, 0.6)
    films = [{OURS: good, RANDOM: bad}] * 5
    patients = list("abcde")
    deletion = score_curves(films, patients, -1, 0, 50)
    assert deletion.area[OURS].value == 0.2
    assert deletion.better[RANDOM] == (0.4, 0.4, 0.4)
    assert score_curves(films, patients, 1, 0, 50).better[RANDOM].value == -0.4
    assert deletion.mean[RANDOM] == [0.6] * (STEPS + 1)


def test_correlation_of_maps() -> None:
    """1 for the same order of cells, -1 for the opposite, 0 for a map that shows nothing."""
    heat = np.arange(1.0, 10).reshape(3, 3)
    assert correlate(heat, heat**2) == pytest.approx(1)
    assert correlate(heat, heat.max() + 1 - heat) == pytest.approx(-1)
    assert correlate(heat, np.zeros((3, 3))) == 0


def test_cells_that_both_maps_leave_out_do_not_count() -> None:
    """The edge is 0 in every map; it must not make two maps alike."""
    one, other = np.zeros((6, 6)), np.zeros((6, 6))
    one[2, 2:5] = 1, 2, 3
    other[2, 2:5] = 3, 2, 1
    assert correlate(one, other) == pytest.approx(-1)
