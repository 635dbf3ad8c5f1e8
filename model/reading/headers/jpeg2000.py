"""The header of a JPEG 2000 codestream, raw or in boxes (ITU-T T.800, annexes A and I).

Standard library alone. The SIZ segment is read where a decoder reads it and never searched for,
because the same bytes may occur in any box or comment.
"""

import struct
from dataclasses import dataclass

from model.reading.limits import contradictory, damaged, too_complex

BOXED = b"\0\0\0\x0cjP  \r\n\x87\n"
START = b"\xff\x4f\xff\x51"
"""SOC and SIZ, which must be the first two markers."""

MAX_BOXES = 64
"""At the top level of a file; encoders write four or five."""

MAX_TILES = 4096
"""60 megapixels in tiles of 128 x 128 pixels make 3,662."""

MAX_LAYERS = 256
"""Quality layers; archives use up to twenty."""

MAX_RESOLUTIONS = 16
"""Each halves the picture: 16 of them reduce 65,536 pixels to one."""

_COD = 0x52


@dataclass(frozen=True)
class Size:
    """Rows and columns in pixels, and the number of components."""

    rows: int
    columns: int
    components: int


def read_codestream(data: bytes) -> Size:
    """The size of the picture.

    Raises UnreadableXray, also for more tiles, layers or resolutions than an X-ray has, and for
    boxes that state another size than the codestream.
    """
    try:
        if data[: len(BOXED)] == BOXED:
            return _read_boxes(data)
        return _read_siz(data)
    except struct.error:
        raise damaged() from None


def _read_boxes(data: bytes) -> Size:
    at, stated, found = 0, None, None
    for _ in range(MAX_BOXES):
        if at >= len(data):
            break
        length, name = struct.unpack_from(">L4s", data, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = at + length if length else len(data)
        if end < start or end > len(data) + 1:  # DICOM pads a frame to an even length
            raise damaged()
        if name == b"jp2h":
            if stated is not None or data[start + 4 : start + 8] != b"ihdr":
                raise contradictory()
            stated = struct.unpack_from(">2LH", data, start + 8)
        if name == b"jp2c":
            if found is not None:
                raise contradictory()
            found = _read_siz(data[start:end])
        at = end
    else:
        raise too_complex("boxes")
    if found is None or stated is None:
        raise damaged()
    if stated != (found.rows, found.columns, found.components):
        raise contradictory()
    return found


def _read_siz(data: bytes) -> Size:
    if data[:4] != START:
        raise damaged()
    length, _, right, bottom, left, top = struct.unpack_from(">2H4L", data, 4)
    width, height, first, upper, components = struct.unpack_from(">4LH", data, 24)
    if right <= left or bottom <= top or not width or not height or components == 0:
        raise damaged()
    across, down = -(-(right - first) // width), -(-(bottom - upper) // height)
    if first > left or upper > top or across < 1 or down < 1:
        raise damaged()
    if across * down > MAX_TILES:
        raise too_complex("tiles")
    _check_style(data, 4 + length)
    return Size(bottom - top, right - left, components)


def _check_style(data: bytes, at: int) -> None:
    """Bound layers and resolutions: the main header must have one COD, before the first tile."""
    styles = 0
    for _ in range(MAX_BOXES):
        marker, length = struct.unpack_from(">2H", data, at)
        if marker == 0xFF90:  # SOT: the first tile
            break
        if marker == 0xFF51 or marker < 0xFF01 or length < 2:
            raise contradictory()
        if marker == 0xFF00 | _COD:
            layers, halvings = struct.unpack_from(">HxB", data, at + 6)
            styles += 1
            if layers > MAX_LAYERS:
                raise too_complex("layers")
            if halvings >= MAX_RESOLUTIONS:
                raise too_complex("resolutions")
        at += 2 + length
    else:
        raise too_complex("segments")
    if styles != 1:
        raise contradictory()
