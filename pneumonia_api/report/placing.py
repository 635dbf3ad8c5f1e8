"""Points of a film in the picture of its DICOM, from which it may be cut, turned and mirrored."""

from collections.abc import Iterable

from pneumonia_api.records.source_object import SourceObject
from pneumonia_api.report.contours import Point


def to_source(source: SourceObject, points: Iterable[Point]) -> list[Point]:
    """Column and row in the stored picture, in pixels from its top left corner.

    `points` are of the film, from 0 to 1.
    """
    left, top = source.corners[0]
    across, down = _find_sides(source)
    return [
        (left + x * across[0] + y * down[0], top + x * across[1] + y * down[1]) for x, y in points
    ]


def to_film(source: SourceObject, column: float, row: float) -> Point:
    """The reverse; not from 0 to 1 where the stored picture was cut off."""
    across, down = _find_sides(source)
    x, y = column - source.corners[0][0], row - source.corners[0][1]
    area = across[0] * down[1] - across[1] * down[0]
    return (x * down[1] - y * down[0]) / area, (y * across[0] - x * across[1]) / area


def find_turn(source: SourceObject) -> tuple[int, bool]:
    """What hangs the stored picture upright: degrees clockwise, and whether left and right change
    places after that (PS3.3, C.10.6)."""
    across, down = _find_sides(source)
    for turned in range(4):
        if down[1] > abs(down[0]):
            return 90 * turned, across[0] < 0
        across, down = (-across[1], across[0]), (-down[1], down[0])
    raise ValueError("a film has an upper and a lower edge")


def _find_sides(source: SourceObject) -> tuple[Point, Point]:
    """From the film's top left corner to its top right, and to its bottom left one."""
    (left, top), right, below = source.corners
    return (right[0] - left, right[1] - top), (below[0] - left, below[1] - top)
