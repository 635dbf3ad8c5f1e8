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

LUNG_AREA = (0.04, 0.35)
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

    The threshold is Otsu's (1979) of the grey levels inside the body.
    """
    side = (GRID * 4, GRID * 4)
    small = np.asarray(Image.fromarray(pixels).resize(side, Image.Resampling.BOX), np.float32)
    body = find_body(small.round().astype(np.uint8))
    if not body.any():
        return None
    smooth = ndimage.gaussian_filter(small, GRID / 32)
    dark = body & (smooth < find_threshold(smooth[body]))
    dark = ndimage.binary_opening(dark, iterations=GRID // 16)
    regions, count = ndimage.label(dark)
    lungs = []
    for region in range(1, count + 1):
        mask = regions == region
        rows, columns = np.nonzero(mask)
        at_edge = (rows.min() == 0 and columns.min() == 0) or columns.max() == mask.shape[1] - 1
        if LUNG_AREA[0] <= mask.mean() <= LUNG_AREA[1] and not at_edge:
            lungs.append((mask, float(columns.mean())))
    lungs = sorted(lungs, key=lambda lung: -lung[0].sum())[:2]
    if len(lungs) < 2:
        return None
    (one, at_one), (other, at_other) = lungs
    middle = small.shape[1] / 2
    apart = min(at_one, at_other) < middle < max(at_one, at_other)
    if not apart or one.sum() > LARGEST_RATIO * other.sum():
        return None
    both = ndimage.binary_fill_holes(one) | ndimage.binary_fill_holes(other)
    return both.reshape(GRID, 4, GRID, 4).mean(axis=(1, 3)) >= 0.5


def find_threshold(values: np.ndarray) -> float:
    """Otsu's threshold (1979): between the two classes of grey levels that differ most."""
    counts, edges = np.histogram(values, 256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * centres)[:-1]
    total = float((counts * centres).sum())
    means = sums / np.maximum(below, 1), (total - sums) / np.maximum(above, 1)
    between = below * above * (means[0] - means[1]) ** 2
    # All thresholds in the gap between two classes part them alike: the one in the middle.
    return float(edges[1:-1][np.isclose(between, between.max(), rtol=1e-9)].mean())


def make_atlas(films: Iterable[np.ndarray]) -> Atlas | None:
    """The averaged lungs of normal films (H, W) uint8; None where the rule found none."""
    found = [find_lungs(pixels) for pixels in films]
    masks = [mask for mask in found if mask is not None]
    if not masks:
        return None
    return Atlas(np.mean(masks, axis=0) >= 0.5, len(masks), len(found) - len(masks))
