"""Borders of one level around a film, such as printers and padding add: found and cut off."""

from typing import NamedTuple

import numpy as np

_LEVEL = 8
"""Grey levels by which a border of one level may vary; JPEG at quality 75 stays below."""

_SHADOW = 40
"""Levels up to this are black. A collimated film ends in black too, so the test for a black border
is stricter: of 5,216 training films 78 have a black edge of a twentieth, none has a bright edge."""

_LEAST_BLACK, _LEAST_BRIGHT = 0.05, 0.02
"""Shares of height or width below which a border is left, because it moves the probability by less
than 0.05."""

_LETTERS = 0.1
"""Share of a row in a border that may be letters, if empty rows follow; a shoulder covers more."""

_RINGING = 8
"""Pixels next to a border that JPEG's blocks of this side mix with its level."""

_DRIFT = 2
"""Grey levels by which the medians of a border's rows may differ; fading air differs by more."""

_SPECKS = 0.005
"""Share of a row that may be dust or noise in a row that counts as empty."""

LEAST_FILM = 0.3
"""Least side of a film as a share of the picture's; below it, something else was found."""


class Box(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """A view of the part of (height, width, ...) that lies in the box."""
        return picture[self.top : self.bottom, self.left : self.right]


def trim(sample: np.ndarray, box: Box, least_black: float = _LEAST_BLACK) -> Box:
    """`box` without borders of one level, each edge with its own; up to three nested frames."""
    for _ in range(3):
        inside = box.cut(sample)
        height, width = inside.shape
        sides = (inside, inside[::-1], inside.T, inside.T[::-1])
        depths, plain = [], False
        for side, length in zip(sides, (height, height, width, width), strict=True):
            level = int(np.median(side[0]))
            depths.append(_depth(side, level))
            least = least_black if level <= _SHADOW else _LEAST_BRIGHT
            plain |= depths[-1] >= max(least * length, 1)
        above, below, left, right = depths
        trimmed = Box(box.top + above, box.bottom - below, box.left + left, box.right - right)
        if (
            not plain
            or trimmed.bottom - trimmed.top < LEAST_FILM * height
            or trimmed.right - trimmed.left < LEAST_FILM * width
        ):
            break
        box = trimmed
    return box


def _depth(side: np.ndarray, level: int) -> int:
    """How many rows, from the first on, are a border of `level`, including letters in it."""
    low, high = max(level - _LEVEL, 0), min(level + _LEVEL, 255)
    if ((side[0] < low) | (side[0] > high)).mean() > _SPECKS:  # fails first for an ordinary film
        return 0
    other = ((side < low) | (side > high)).mean(1)
    empty = other <= _SPECKS
    letters = other <= _LETTERS
    end = len(side) if letters.all() else int(np.argmin(letters))
    depth = int(np.flatnonzero(empty[:end])[-1]) + 1
    drift = np.abs(np.median(side[:depth], axis=1) - level) > _DRIFT
    return 0 if drift.mean() > 0.2 else depth  # the last rows may blur into the film


def refine(pixels: np.ndarray, box: Box, step: int) -> Box:
    """Scale a box of the sample, every `step`-th row and column, to the picture.

    Each edge is moved to where its border ends exactly.
    """
    height, width = pixels.shape
    top, bottom = box.top * step, min(box.bottom * step, height)
    left, right = box.left * step, min(box.right * step, width)
    deep = step + _RINGING
    if top:
        top += _move(pixels[top - step : top + deep, left:right], step)
    if bottom < height:
        bottom -= _move(pixels[bottom - deep : bottom + step, left:right][::-1], step)
    if left:
        left += _move(pixels[top:bottom, left - step : left + deep].T, step)
    if right < width:
        right -= _move(pixels[top:bottom, right - deep : right + step].T[::-1], step)
    return Box(top, bottom, left, right)


def _move(strip: np.ndarray, middle: int) -> int:
    """Rows from row `middle` of a strip to the end of the border that the strip begins with."""
    level = int(np.median(strip[0]))
    other = ((strip < level - 3 * _LEVEL) | (strip > level + 3 * _LEVEL)).mean(1) > _LETTERS
    return int(np.argmax(other)) - middle if other.any() and not other[0] else 0
