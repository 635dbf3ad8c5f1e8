"""The film at its own resolution and depth, for a viewer: a PNG whose only metadata are numbers.

A viewer needs what the 8-bit preview has lost. Its values are those of the file, shifted so that
the lowest is 0 and, where the file says so, inverted: small is black. A table turns them into the
greys of the preview.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from isal import igzip_lib, isal_zlib

SpacingKind = Literal["calibrated", "detector", "unstated"]
"""Where a pixel has the stated side in mm: in the patient, on the detector (on which the patient is
drawn larger than life), or in one of them, and the file does not say which."""

CHUNK = b"fiLM"
"""Ours: ancillary, private, not to be copied by editors (PNG 5.4). It holds the numbers of a
`FullFilm` as JSON, a newline and its table, deflated."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
"""The filter of every row: each byte minus the one above (PNG 9.2), which a reader undoes fast."""


_WINDOW_BITS = 9
"""Matches reach 512 bytes back. In the noise of a film a longer one is found by chance, and its
distance takes more bits than it saves."""


@dataclass(frozen=True)
class FullFilm:
    """`values` are (height, width) uint8 or uint16, upright; `table` has the uint8 grey of each.

    A value `low` is black and `high` white on the straight line through the table; both may lie
    outside of those that occur. `spacing` is the side of a pixel in mm, None if unknown.
    """

    values: np.ndarray
    table: np.ndarray
    low: float
    high: float
    spacing: float | None = None
    spacing_kind: SpacingKind = "unstated"


def draw_line(table: np.ndarray) -> tuple[float, float]:
    """The values at which the straight line through a rising table would be black and white.

    The line through a tenth and nine tenths of its greys: exact for a window, near for a curve.
    """
    greys = np.maximum.accumulate(table.astype(np.float64))
    bottom, top = greys[0], greys[-1]
    if top == bottom:
        return 0.0, float(max(len(table) - 1, 1))
    edges = np.array([0.9 * bottom + 0.1 * top, 0.1 * bottom + 0.9 * top])
    first, last = (float(at) for at in np.searchsorted(greys, edges))
    per_value = (greys[int(last)] - greys[int(first)]) / max(last - first, 1.0)
    if per_value <= 0:
        return first - 0.5, first + 0.5
    low = first - float(greys[int(first)]) / per_value
    return low, low + 255.0 / per_value


def from_grey(pixels: np.ndarray) -> FullFilm:
    """Of (height, width) uint8 grey, which is already what a viewer shows."""
    return FullFilm(pixels, np.arange(256, dtype=np.uint8), 0.0, 255.0)


def encode_film(film: FullFilm) -> bytes:
    """A grey PNG of 8 or 16 bits.

    Differences to the row above, deflated by ISA-L: at most 8 % larger than by zlib with Z_RLE, in
    a third of the time; see docs/decisions/viewer.md.
    """
    data = igzip_lib.compress(
        filter_rows(film.values),
        1,
        igzip_lib.COMP_ZLIB,
        igzip_lib.MEM_LEVEL_DEFAULT,
        _WINDOW_BITS,
    )
    height, width = film.values.shape
    numbers = {
        "low": film.low,
        "high": film.high,
        "spacing": film.spacing,
        "kind": film.spacing_kind,
    }
    about = zlib.compress(json.dumps(numbers).encode() + b"\n" + film.table.tobytes())
    head = struct.pack(">IIBBBBB", width, height, 8 * film.values.itemsize, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (CHUNK, about), (b"IDAT", data), (b"IEND", b""))
    return b"".join((_SIGNATURE, *(part for chunk in chunks for part in _chunk(*chunk))))


def filter_rows(values: np.ndarray) -> memoryview:
    """The rows of (height, width) uint8 or uint16 as a PNG has them before it is deflated."""
    height, width = values.shape
    depth = values.itemsize
    stored = np.ascontiguousarray(values.astype(f">u{depth}", copy=False)).view(np.uint8)
    rows = np.empty((height, depth * width + 1), np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = stored[0]
    np.subtract(stored[1:], stored[:-1], out=rows[1:, 1:])
    return rows.data


def _chunk(name: bytes, body: bytes) -> tuple[bytes, ...]:
    checksum = isal_zlib.crc32(body, isal_zlib.crc32(name))
    return struct.pack(">I", len(body)), name, body, struct.pack(">I", checksum)
