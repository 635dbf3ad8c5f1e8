"""The window of a viewer in a screenshot: drawn surfaces around one large textured area, the film.

An exposed film has noise up to its edges; panels, bars and the space around a film do not.
"""

import numpy as np

from model.reading.borders import LEAST_FILM, Box

_BLOCK = 8
"""Side of the squares, in sampled pixels, that are textured, drawn or neither."""

_DRAWN_LEVEL = 32
"""Drawn surfaces are brighter than this; below it, air and collimation are just as flat."""

_LEAST_DRAWN = 0.012
"""Share of the picture that is drawn in a viewer's window, outside its film."""

_LEAST_WINDOW = 0.05
"""Share of the picture that a window takes besides its film; less hardly changes the result."""

_TEXTURED_LINE = 0.12
"""Share of a line of blocks that is textured where the film crosses it; letters stay below."""

_RIVAL = 0.4
"""Texture of a second area, as a share of the largest one's, from which it may be a second film."""


def has_drawn_edge(picture: np.ndarray) -> bool:
    """Whether an edge of (height, width) uint8 is drawn: most neighbours equal, and not black."""
    return any(
        ((_differ(edge[1:], edge[:-1]) <= 1) & (edge[1:] > _DRAWN_LEVEL)).mean() > 0.4
        for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    )


def find_window(sample: np.ndarray, outer: Box) -> tuple[Box | None, bool]:
    """The film in a viewer's window that fills `outer`, or None, and whether this is in doubt.

    In doubt there is a window, but not one clear film in it.
    """
    textured, drawn = _classify(outer.cut(sample))
    if drawn.mean() <= _LEAST_DRAWN:
        return None, False
    inner = _find_textured(textured)
    if inner is None:
        return None, bool(textured.mean() > _TEXTURED_LINE)  # else there is no film to look for
    return (_grow(sample, outer, inner) if _is_window(drawn, inner) else None), False


def _differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """|one - other| of uint8 arrays, without widening them."""
    return np.maximum(one, other) - np.minimum(one, other)


def _classify(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two bool arrays of blocks: textured as a film is, and drawn in one level above black.

    Neighbours in a film differ, but by little, both along and across; on a drawn surface they are
    equal, or far apart at its edges.
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
    """The one large area of textured blocks; None when there is none, or more than one."""
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
    large = LEAST_FILM * np.array(textured.shape)
    if box.bottom - box.top < large[0] or box.right - box.left < large[1]:
        return None
    return box


def _find_runs(profile: np.ndarray) -> list[tuple[float, int, int]]:
    """(texture, first, end excluded) of each run above _TEXTURED_LINE, the largest first."""
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
    """The box of `blocks`, which lie in `outer`, and the textured lines next to it, in pixels."""
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
