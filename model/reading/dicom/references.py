"""Which object of which study a DICOM is, and where its film lies in it, so that results go back.

Read for sites that want it, and by a pass of its own, as the accession number is. None of these
identifiers names a patient, but each leads to one in the hospital's archive.
"""

import re

from pydicom.tag import BaseTag, Tag

from model.reading.dicom.anatomy import decode_text
from model.reading.dicom.hanging import Turns, read_aspect, read_turns
from model.reading.dicom.header import PARSE_ERRORS, parse
from model.reading.shown import Shown

ELEMENTS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
LONGEST = 64
"""Characters of a UID (PS3.5, 9.1)."""

_UID = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+", re.ASCII)
_UIDS: list[BaseTag | int] = [Tag(element) for element in ELEMENTS]
_LAYOUT: list[BaseTag | int] = [
    Tag(element)
    for element in (
        *("Rows", "Columns", "PatientOrientation"),
        *("PixelAspectRatio", "ImagerPixelSpacing", "PixelSpacing"),
    )
]


def read_references(data: bytes, max_inflated: int, shown: Shown) -> str:
    """What a result needs to refer to an object that was read already; "" unless that has all UIDs.

    With backslashes between them: the UIDs of ELEMENTS; rows and columns of the stored picture; the
    height of a pixel over its width; column and row of the film's top left, top right and bottom
    left corner in the stored picture, in pixels from its own top left corner (PS3.3, C.10.5.1.2);
    and the stored values that are shown black and white. `max_inflated` limits the size in bytes of
    a deflated object; a larger one has none either.
    """
    try:
        dataset = parse(data, max_inflated, [*_UIDS, *_LAYOUT])
        uids = []
        for tag in _UIDS:
            raw = dataset.get_item(tag)
            value = raw.value if raw is not None else None
            text = decode_text(value) if isinstance(value, bytes) else str(value or "")
            uids.append(text.strip(" \0"))
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        aspect, turns = read_aspect(dataset), read_turns(dataset)
    except PARSE_ERRORS:
        return ""
    if not all(len(each) <= LONGEST and _UID.fullmatch(each) for each in uids):
        return ""
    film = (shown.left, shown.top), (shown.right, shown.top), (shown.left, shown.bottom)
    corners = [number for point in film for number in _unhang(point, turns, rows, columns)]
    numbers = (rows, columns, aspect, *corners, shown.black, shown.white)
    return "\\".join((*uids, *(f"{number:.4f}".rstrip("0").rstrip(".") for number in numbers)))


def _unhang(
    point: tuple[float, float], turns: Turns, rows: int, columns: int
) -> tuple[float, float]:
    """Column and row in the stored picture of a point of the upright one, in shares of it."""
    x, y = point
    x, y = 1 - x if turns.mirrored else x, 1 - y if turns.upside_down else y
    x, y = (y, x) if turns.transposed else (x, y)
    return x * columns, y * rows
