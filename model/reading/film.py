"""Where in a picture the film lies: what a printer, a padding or a viewer put around it is not it.

The network squashes the whole picture, so a border shrinks the lungs to a size it never learned.
Only what is surely no film is cut: rows and columns of one level, and, around the one large
textured area, the drawn surfaces of a viewer's window. An exposed film has noise up to its edges,
so an ordinary one stays whole.
"""

from typing import NamedTuple

import numpy as np

_SAMPLE_SIDE = 512
"""The search looks at every n-th row and column, so that there are at most so many of either."""

_LEVEL = 8
"""Grey levels by which a border of one level may vary: JPEG at quality 75 stays below."""

_SHADOW = 40
"""Levels up to it are black. Collimated film ends in black too, so more is asked of such a border:
of 5,216 training films 78 have black of a twentieth at one edge, none has a bright edge."""

_LEAST_BLACK, _LEAST_BRIGHT = 0.05, 0.02
"""Shares of height or width below which a border is left: it moves the result by less than 0.05."""

_LETTERS = 0.1
"""Share of a row in a border that may be letters, if empty rows follow; a shoulder is more."""

_RINGING = 8
"""Pixels next to a border into which JPEG's blocks of this side carry its level."""

_DRIFT = 2
"""Grey levels by which the rows of a border differ in the middle; fading air differs by more."""

_SPECKS = 0.005
"""Share of a row that may be dust or noise and leaves it empty."""

_LEAST_FILM = 0.3
"""Least side of the film as a share of the picture's; below it something else was found."""

_BLOCK = 8
"""Side of the squares, in sampled pixels, that are textured, drawn or neither."""

_DRAWN_LEVEL = 32
"""Drawn surfaces are brighter: below it, air and collimation are as flat."""

_LEAST_DRAWN = 0.012
"""Share of the picture that is drawn in a viewer's window, and not inside its film."""

_LEAST_WINDOW = 0.05
"""Share of the picture that a window takes besides its film; less hardly moves the result."""

_TEXTURED_LINE = 0.12
"""Share of a line of blocks that is textured where the film crosses it; letters stay below."""

_RIVAL = 0.4
"""Texture of another area, as a share of the largest one's, from which it may be a second film."""


class Box(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """A view of what lies in the box."""
        return picture[self.top : self.bottom, self.left : self.right]


class Film(NamedTuple):
    """`box` of the film in a picture, and what else was seen.

    `viewer` when a viewer's window was cut away, `doubt` when there is one, but its film was not
    found and the box is larger than the film.
    """

    box: Box
    viewer: bool = False
    doubt: bool = False


def find_film(pixels: np.ndarray) -> Film:
    """The film in (height, width) uint8 grey; the whole picture unless the evidence is plain."""
    height, width = pixels.shape
    step = -(-max(height, width) // _SAMPLE_SIDE)
    sample = np.ascontiguousarray(pixels[::step, ::step])
    box = _trim(sample, Box(0, sample.shape[0], 0, sample.shape[1]))
    inside = box.cut(sample)
    viewer, doubt = False, False
    if any(_is_drawn(edge) for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1])):
        textured, drawn = _classify(inside)
        if drawn.mean() > _LEAST_DRAWN:
            inner = _find_textured(textured)
            if inner is None:
                doubt = bool(textured.mean() > _TEXTURED_LINE)  # else there is no film to look for
            elif _is_window(drawn, inner):
                viewer = True
                box = _trim(sample, _grow(sample, box, inner), least_black=0.0)  # the window's
    return Film(_refine(pixels, box, step), viewer, doubt)


def _is_drawn(line: np.ndarray) -> bool:
    """Whether most neighbours in a line are equal and brighter than black: drawn, not exposed."""
    steps = _differ(line[1:], line[:-1])
    return bool(((steps <= 1) & (line[1:] > _DRAWN_LEVEL)).mean() > 0.4)


def _differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """|one - other| of uint8, without a detour by wider numbers."""
    return np.maximum(one, other) - np.minimum(one, other)


def _trim(sample: np.ndarray, box: Box, least_black: float = _LEAST_BLACK) -> Box:
    """`box` without borders of one level, each edge with its own; three frames in one another."""
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
            or trimmed.bottom - trimmed.top < _LEAST_FILM * height
            or trimmed.right - trimmed.left < _LEAST_FILM * width
        ):
            break
        box = trimmed
    return box


def _depth(side: np.ndarray, level: int) -> int:
    """How many rows from the first on are a border of `level`, letters in it included."""
    low, high = max(level - _LEVEL, 0), min(level + _LEVEL, 255)
    if ((side[0] < low) | (side[0] > high)).mean() > _SPECKS:  # soonest for an ordinary film
        return 0
    other = ((side < low) | (side > high)).mean(1)
    empty = other <= _SPECKS
    letters = other <= _LETTERS
    end = len(side) if letters.all() else int(np.argmin(letters))
    depth = int(np.flatnonzero(empty[:end])[-1]) + 1
    drift = np.abs(np.median(side[:depth], axis=1) - level) > _DRIFT
    return 0 if drift.mean() > 0.2 else depth  # the last rows may blur into the film


def _classify(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) of blocks, bool: textured as a film is, and drawn in one level above black.

    Neighbours in a film differ by little, but differ, both along and across; in a drawn surface
    they are equal, or far apart at its edges.
    """
    height, width = ((side - 1) // _BLOCK * _BLOCK for side in sample.shape)
    values = sample[: height + 1, : width + 1]
    along = _differ(values[:height, 1:], values[:height, :width])
    across = _differ(values[1:, :width], values[:height, :width])

    def share(mask: np.ndarray) -> np.ndarray:
        blocks = mask.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
        return blocks.mean((1, 3), dtype=np.float32)

    textured = (share((along > 0) & (along <= 32)) > 0.15) & (
        share((across > 0) & (across <= 32)) > 0.15
    )
    level = values[:height:_BLOCK, :width:_BLOCK]
    drawn = (share((along <= 1) & (across <= 1)) > 0.98) & (level > _DRAWN_LEVEL) & ~textured
    return textured, drawn


def _is_window(drawn: np.ndarray, inner: Box) -> bool:
    """Whether enough is drawn outside the film for a viewer's window."""
    film = inner.cut(drawn)
    return bool(
        drawn.sum() - film.sum() > _LEAST_DRAWN * drawn.size
        and film.size < (1 - _LEAST_WINDOW) * drawn.size
    )


def _find_textured(textured: np.ndarray) -> Box | None:
    """The one large area of textured blocks, or None when there is none or there are several."""
    box = Box(0, textured.shape[0], 0, textured.shape[1])
    for _ in range(2):
        for axis in (0, 1):
            areas = _find_runs(box.cut(textured).mean(axis))
            if not areas or (len(areas) > 1 and areas[1][0] > _RIVAL * areas[0][0]):
                return None
            _, first, last = areas[0]
            if axis == 0:
                box = box._replace(left=box.left + first, right=box.left + last)
            else:
                box = box._replace(top=box.top + first, bottom=box.top + last)
    large = _LEAST_FILM * np.array(textured.shape)
    if box.bottom - box.top < large[0] or box.right - box.left < large[1]:
        return None
    return box


def _find_runs(profile: np.ndarray) -> list[tuple[float, int, int]]:
    """(texture, first, last excluded) of the runs above _TEXTURED_LINE, the largest first."""
    ends = np.flatnonzero(np.diff(profile > _TEXTURED_LINE, prepend=False, append=False))
    runs: list[list[int]] = []
    for first, last in ends.reshape(-1, 2).tolist():
        if runs and first - runs[-1][1] <= 1:  # a rib or a shutter, not a gap between two pictures
            runs[-1][1] = last
        else:
            runs.append([first, last])
    return sorted(
        ((float(profile[first:last].sum()), first, last) for first, last in runs), reverse=True
    )


def _grow(sample: np.ndarray, outer: Box, blocks: Box) -> Box:
    """The box of `blocks`, which lie in `outer`, and the textured lines next to it."""
    box = Box(
        outer.top + blocks.top * _BLOCK,
        outer.top + blocks.bottom * _BLOCK,
        outer.left + blocks.left * _BLOCK,
        outer.left + blocks.right * _BLOCK,
    )

    def textured(line: np.ndarray) -> bool:
        steps = _differ(line[1:], line[:-1])
        return bool(((steps > 0) & (steps <= 32)).mean() > _TEXTURED_LINE)

    top, bottom, left, right = box
    for _ in range(2 * _BLOCK):
        top -= top > outer.top and textured(sample[top - 1, left:right])
        bottom += bottom < outer.bottom and textured(sample[bottom, left:right])
        left -= left > outer.left and textured(sample[top:bottom, left - 1])
        right += right < outer.right and textured(sample[top:bottom, right])
    return Box(top, bottom, left, right)


def _refine(pixels: np.ndarray, box: Box, step: int) -> Box:
    """A box of the sample as one of the picture, each edge moved to the last line of a border."""
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
    """Lines from the `middle` one of a strip, whose first are border, to where the border ends."""
    level = int(np.median(strip[0]))
    other = ((strip < level - 3 * _LEVEL) | (strip > level + 3 * _LEVEL)).mean(1) > _LETTERS
    return int(np.argmax(other)) - middle if other.any() and not other[0] else 0
