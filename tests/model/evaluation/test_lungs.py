"""`model.evaluation.lungs`: where lungs are on average, from made chests."""

import numpy as np
import pytest

from model.evaluation.lungs import GRID, Atlas, find_lungs, make_atlas

HEIGHT, WIDTH = 320, 280


def make_chest(*, lungs: int = 2, level: int = 60) -> np.ndarray:
    """A body that is darker above, as shoulders are, with ellipses of dark lung and some noise."""
    row, column = np.indices((HEIGHT, WIDTH)) / np.array([HEIGHT, WIDTH])[:, None, None]
    chest = 140 + 80 * row
    for centre in (0.3, 0.7)[:lungs]:
        inside = ((row - 0.45) / 0.3) ** 2 + ((column - centre) / 0.13) ** 2 < 1
        chest = np.where(inside, level, chest)
    noise = np.random.default_rng(0).normal(0, 4, chest.shape)
    return np.clip(chest + noise, 0, 255).astype(np.uint8)


def test_both_lungs_are_found() -> None:
    """Inside each ellipse, and neither between them nor beside them."""
    lungs = find_lungs(make_chest())
    assert lungs is not None
    assert lungs.shape == (GRID, GRID)
    at = [lungs[int(0.45 * GRID), int(column * GRID)] for column in (0.3, 0.7, 0.5, 0.02)]
    assert at == [True, True, False, False]
    assert abs(lungs.mean() - 2 * np.pi * 0.3 * 0.13) < 0.04


@pytest.mark.parametrize("lungs", [0, 1])
def test_film_without_two_lungs_is_left_out(lungs: int) -> None:
    """A white lung is not guessed."""
    assert find_lungs(make_chest(lungs=lungs)) is None


def test_blank_film_is_left_out() -> None:
    """Nothing to find, no error."""
    assert find_lungs(np.zeros((200, 200), np.uint8)) is None


def test_atlas_is_what_most_films_have() -> None:
    """Films on which the rule finds nothing are counted; of none there is no atlas."""
    atlas = make_atlas([make_chest(), make_chest(level=70), make_chest(lungs=1)])
    assert atlas
    assert (atlas.films, atlas.skipped) == (2, 1)
    assert make_atlas([make_chest(lungs=0)]) is None


def test_peak_inside_and_by_chance() -> None:
    """The strongest cell of a map of 16 x 16; chance is the share of the cells it may be in."""
    lungs = np.zeros((GRID, GRID), bool)
    lungs[:, : GRID // 4] = True
    atlas = Atlas(lungs, 1, 0)
    heat = np.zeros((16, 16))
    heat[8, 3] = 1
    assert atlas.holds_peak(heat)
    heat[8, 4] = 2
    assert not atlas.holds_peak(heat)
    everywhere = np.ones((16, 16), bool)
    assert atlas.share_of(everywhere) == 0.25
    everywhere[:, 8:] = False
    assert atlas.share_of(everywhere) == 0.5
