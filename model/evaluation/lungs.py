"""Where the lungs of a set of films are on average, from films on which they are easily seen.

No set here has boxes or outlines of radiologists. Normal lungs are dark against the body, so on
normal films a threshold finds them (as in Armato et al. 1998, "Automated lung segmentation in
digitized posteroanterior chest radiographs"); a pneumonia would hide its part of a lung from such a
rule. So the outlines of many normal films are averaged, and what is lung on at least half of them
is where a heat map of an ill one may peak. That is a coarse map of the chest, not the outline of a
patient's lungs: a peak outside of it is a reason to look, and the share inside says something only
next to the share that chance would give.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from model.evaluation.peaks import find_body

GRID = 64
"""Rows and columns of the averaged outline."""

FINER = 4
"""Pixels to a cell of it, in each direction, in which a film is looked at."""

LEVELS = np.linspace(0.7, 0.15, 23)
"""Shares of the body that are darker than the grey levels at which it is cut, in this order."""

LUNG_AREA = (0.04, 0.25)
"""Share of the film that one lung takes; a region outside of it is not taken for a lung."""

LARGEST_RATIO = 3.0
"""Of the areas of both lungs; beyond it one of them was not found as a whole."""


@dataclass(frozen=True)
class Atlas:
    """(GRID, GRID) bool: lung on at least half of `films` normal films; `skipped` showed none."""

    lungs: np.ndarray
    films: int
    skipped: int

    def holds_peak(self, heatmap: Sequence[Sequence[float]] | np.ndarray) -> bool:
        """Whether the centre of the strongest cell of a map over the whole film is in the lungs."""
        heat = np.asarray(heatmap)
        return bool(self._at_cells(heat.shape).ravel()[heat.argmax()])

    def share_of(self, allowed: np.ndarray) -> float:
        """The share of the cells (rows, columns) bool of a map whose centres are in the lungs.

        It is what a map reaches by chance that peaks anywhere in the `allowed` cells.
        """
        return float(self._at_cells(allowed.shape)[allowed].mean())

    def _at_cells(self, shape: tuple[int, ...]) -> np.ndarray:
        """(rows, columns) bool: whether the centre of each cell of a map is in the lungs."""
        rows, columns = (((np.arange(n) + 0.5) * GRID / n).astype(int) for n in shape)
        return self.lungs[np.ix_(rows, columns)]


def find_lungs(pixels: np.ndarray) -> np.ndarray | None:
    """(H, W) uint8 grey -> (GRID, GRID) bool, both lungs; None where the rule does not find two.

    The body is cut at one grey level after another, from bright to dark: shoulders and the air
    beside the ribs come off the lungs first. The first level that leaves two plausible ones counts.
    """
    side = (GRID * FINER, GRID * FINER)
    small = np.asarray(Image.fromarray(pixels).resize(side, Image.Resampling.BOX), np.float32)
    body = find_body(small.round().astype(np.uint8))
    if not body.any():
        return None
    smooth = ndimage.gaussian_filter(small, GRID / 32)
    for level in np.quantile(smooth[body], LEVELS):
        dark = ndimage.binary_opening(body & (smooth < level), iterations=GRID // 16)
        if (lungs := _find_pair(dark)) is not None:
            return lungs.reshape(GRID, FINER, GRID, FINER).mean(axis=(1, 3)) >= 0.5
    return None


def _find_pair(dark: np.ndarray) -> np.ndarray | None:
    """The largest plausible region (side, side) bool on each side, filled; None without both."""
    regions, count = ndimage.label(dark)
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for region in range(1, count + 1):
        mask = ndimage.binary_fill_holes(regions == region)
        at_edge = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
        if LUNG_AREA[0] <= mask.mean() <= LUNG_AREA[1] and not at_edge:
            column = float(np.nonzero(mask)[1].mean())
            sides[column > mask.shape[1] / 2].append(mask)
    if not all(sides):
        return None
    right, left = (max(found, key=np.count_nonzero) for found in sides)
    areas = sorted((np.count_nonzero(right), np.count_nonzero(left)))
    return right | left if areas[1] <= LARGEST_RATIO * areas[0] else None


def make_atlas(films: Iterable[np.ndarray]) -> Atlas | None:
    """The averaged lungs of normal films (H, W) uint8; None where the rule found none."""
    found = [find_lungs(pixels) for pixels in films]
    masks = [mask for mask in found if mask is not None]
    if not masks:
        return None
    return Atlas(np.mean(masks, axis=0) >= 0.5, len(masks), len(found) - len(masks))
