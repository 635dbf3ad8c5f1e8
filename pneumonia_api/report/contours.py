"""The heat map as contours and as a place in words: the same lines and words as on the page.

`pneumonia_web/static/heatmap.js` draws them there, and `pneumonia_web/heat.py` names the place.
"""

from collections.abc import Callable, Sequence

Rows = Sequence[Sequence[float]]
Point = tuple[float, float]
"""Of the film, from 0 to 1: across from its left, down from its top."""

LEVELS = (0.5, 0.8)
"""Shares of the strongest place at which there is a contour."""

CELLS = 128
"""Of the lattice on either side of which a contour crosses an edge."""

MIDLINE = 0.06
"""Share of the width on either side of the middle that belongs to neither lung."""


def find_strongest(rows: Rows) -> tuple[str, int] | None:
    """Side (right, midline or left, of the patient) and third from the top (0 to 2) of the peak.

    `rows` are of equal length, from 0 to 1, the top of the film first. The film hangs as usual, so
    the patient's right is at the image's left. None for a map without any strength.
    """
    strongest = max(map(max, rows))
    if strongest <= 0:
        return None
    row = next(number for number, cells in enumerate(rows) if strongest in cells)
    column = list(rows[row]).index(strongest)
    across = (column + 0.5) / len(rows[row]) - 0.5
    side = "midline" if abs(across) < MIDLINE else "right" if across < 0 else "left"
    return side, min(int(3 * (row + 0.5) / len(rows)), 2)


def read_field(rows: Rows) -> Callable[[float, float], float]:
    """The strength at a point of the film, as a share of the strongest cell: bilinear."""
    most = max(1e-6, *map(max, rows))
    height, width = len(rows), len(rows[0])

    def strength(x: float, y: float) -> float:
        left, right, across = _split(x, width)
        top, bottom, down = _split(y, height)
        upper = rows[top][left] + (rows[top][right] - rows[top][left]) * across
        lower = rows[bottom][left] + (rows[bottom][right] - rows[bottom][left]) * across
        return (upper + (lower - upper) * down) / most

    return strength


def _split(share: float, count: int) -> tuple[int, int, float]:
    at = min(max(share * count - 0.5, 0), count - 1)
    floor = min(int(at), max(count - 2, 0))
    return floor, min(floor + 1, count - 1), at - floor


def trace(rows: Rows, level: float) -> list[list[Point]]:
    """The lines along which the strength is `level`; a closed one ends where it begins."""
    strength = read_field(rows)
    steps = range(CELLS + 1)
    lattice = [[strength(x / CELLS, y / CELLS) - level for x in steps] for y in steps]
    pieces: list[tuple[Point, Point]] = []
    for row in range(CELLS):
        for column in range(CELLS):
            corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
            above = [lattice[y][x] for x, y in corners]
            if all(each >= 0 for each in above) or all(each < 0 for each in above):
                continue
            crossed = [
                _cross(corners[index], corners[(index + 1) % 4], above[index], above[index - 3])
                for index in range(4)
                if (above[index] >= 0) != (above[index - 3] >= 0)
            ]
            pairs = zip(crossed[::2], crossed[1::2], strict=True)
            pieces += [pair for pair in pairs if pair[0] != pair[1]]  # not a touched corner
    return _join(pieces)


def _cross(start: Point, end: Point, before: float, after: float) -> Point:
    """Where an edge is crossed; the very same numbers from either of the cells beside it."""
    (from_, before), (to, after) = sorted(((start, before), (end, after)))
    share = before / (before - after)
    x, y = (a + (b - a) * share for a, b in zip(from_, to, strict=True))
    return x / CELLS, y / CELLS


def _join(pieces: Sequence[tuple[Point, Point]]) -> list[list[Point]]:
    """Lines from pieces that share an end; each piece is in one line."""
    ends: dict[Point, list[int]] = {}
    for number, piece in enumerate(pieces):
        for point in piece:
            ends.setdefault(point, []).append(number)
    left = set(range(len(pieces)))

    def follow(point: Point) -> list[Point]:
        found = []
        while following := [number for number in ends[point] if number in left]:
            left.remove(following[0])
            first, second = pieces[following[0]]
            point = second if point == first else first
            found.append(point)
        return found

    lines = []
    for number in range(len(pieces)):
        if number in left:
            left.remove(number)
            first, second = pieces[number]
            onward = [second, *follow(second)]
            back = [] if onward[-1] == first else follow(first)
            lines.append([*reversed(back), first, *onward])
    return lines
