"""Bounds on the structure of a DICOM object, for pydicom and the codecs behind it.

pydicom reads elements one by one in Python, so a million empty ones take eleven seconds; codecs
trust the header of a frame, whatever Rows and Columns say.
"""

import io
import struct

from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import UID, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes, RLELossless

from model.reading.headers.jpeg import APP11, JPEG_LS, check_jpeg
from model.reading.headers.jpeg2000 import read_codestream
from model.reading.limits import contradictory, damaged, too_complex

MAX_READS = 60_000
"""Reads of one object: about two for each element. A real X-ray has a few hundred elements, and the
largest upload takes a few thousand reads of 8 KB."""

MAX_SEQUENCE_BYTES = 1 << 19
"""Of a sequence that is parsed: three 16-bit look-up tables and their names."""

MAX_FRAGMENTS = 50_000
"""Of a compressed frame: 25 MB in fragments of 512 bytes."""

MAX_VALUE_BYTES = 1 << 16
"""Of any other element: the most that an explicit VR with a 16-bit length can hold."""

_SEQUENCES = frozenset(
    map(
        Tag,
        ("AnatomicRegionSequence", "ViewCodeSequence", "ModalityLUTSequence", "VOILUTSequence"),
    )
)
_PIXELS = frozenset(map(Tag, ("PixelData", "FloatPixelData", "DoubleFloatPixelData")))
_ITEM, _RLE_HEADER = (0xFFFE, 0xE000), 64


class BoundedReader(io.BytesIO):
    """The bytes of an object, which can be read MAX_READS times; after that it raises.

    This counts elements, items and fragments wherever pydicom reads them, without a second parser
    that might interpret them differently.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """As `io.BytesIO.read`. Raises UnreadableXray."""
        self._left -= 1
        if self._left < 0:
            raise too_complex("elements")
        return super().read(size)


def check_elements(dataset: Dataset) -> None:
    """Raise UnreadableXray for an element that is too large to parse, before it is parsed.

    A look-up table is large, and lies in a sequence. Apart from the pixels, anything else is a few
    numbers or words, and pydicom would make an object of each.
    """
    for tag in dataset.keys():  # noqa: SIM118 - iterating the data set itself parses every element
        raw = dataset.get_item(tag)
        if tag in _PIXELS or not isinstance(raw, RawDataElement):
            continue
        most = MAX_SEQUENCE_BYTES if tag in _SEQUENCES else MAX_VALUE_BYTES
        if len(raw.value or b"") > most:
            raise too_complex("elements")


def check_fragments(pixel_data: bytes) -> None:
    """Raise UnreadableXray for a frame in more fragments than any device writes."""
    at = 0
    for _ in range(MAX_FRAGMENTS):
        if at + 8 > len(pixel_data):
            return
        *tag, length = struct.unpack_from("<HHL", pixel_data, at)
        if tuple(tag) != _ITEM:
            return
        at += 8 + length
    raise too_complex("fragments")


def check_frame(frame: bytes, syntax: UID, shape: tuple[int, int], sample_bytes: int) -> None:
    """Check that the header of a compressed grey frame agrees with its object.

    `shape` is rows and columns. Raises UnreadableXray when size, codec or number of components
    differ, and for a header that two readers could interpret differently.
    """
    if syntax == RLELossless:
        _check_rle(frame, sample_bytes)
        return
    if syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        header, segments = check_jpeg(frame, strict=True)
        # JPEG XT hides a second codestream in APP11, which this codec decodes too.
        is_ls = header.marker == JPEG_LS
        if is_ls != (syntax in JPEGLSTransferSyntaxes) or any(s.marker == APP11 for s in segments):
            raise contradictory()
        found = (header.height, header.width, header.components)
    else:
        size = read_codestream(frame)
        found = (size.rows, size.columns, size.components)
    if found != (*shape, 1):
        raise contradictory()


def _check_rle(frame: bytes, sample_bytes: int) -> None:
    """One segment for each byte of a sample, in ascending order (PS3.5, annex G)."""
    if len(frame) < _RLE_HEADER:
        raise damaged()
    count, *offsets = struct.unpack_from("<16L", frame)
    used = offsets[:count] if count < len(offsets) else []
    if len(used) != sample_bytes or used[0] != _RLE_HEADER:
        raise contradictory()
    if sorted(set(used)) != used or used[-1] >= len(frame):
        raise contradictory()
