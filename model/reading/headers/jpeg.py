"""A strict, bounded reader of JPEG and JPEG-LS segments (ITU-T T.81, annex B).

Standard library alone. Nothing is decoded, so the cost of refusing a file is linear in its size.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from model.reading.limits import UnreadableXray, contradictory, damaged, too_complex

MAX_SEGMENTS = 1024
"""In the whole file; colour profiles, which come in pieces of 64 KB, have at most 255."""

MAX_SCANS = 64
"""Progressive encoders write about ten; each costs a pass over the whole picture."""

MAX_EXIF_SEGMENTS = 8
"""Cameras write one of at most 64 KB, or a few that continue it."""

SOI, EOI, SOS, DNL = 0xD8, 0xD9, 0xDA, 0xDC
APP1, APP2, APP11 = 0xE1, 0xE2, 0xEB
JPEG_LS = 0xF7
_HIERARCHICAL = (0xDE, 0xDF)
_FRAMES = frozenset({*range(0xC0, 0xD0), JPEG_LS}) - {0xC4, 0xC8, 0xCC}
"""Frame headers: SOF0 to SOF15 (which excludes DHT, JPG and DAC), and SOF55 of JPEG-LS."""

_STANDALONE = frozenset({0x01, *range(0xD0, 0xDA)})
"""TEM, RST0 to RST7, SOI and EOI have no length, and decoders disagree on how to go on after one
that is out of place."""

# The next marker in coded data: neither a stuffed byte, nor a restart, nor fill bytes. In JPEG-LS
# a byte below 0x80 is data (T.87, A.1).
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_MARKER_LS = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")


@dataclass(frozen=True)
class Frame:
    """The frame header: sides in pixels, depth in bits."""

    marker: int
    bits: int
    height: int
    width: int
    components: int


@dataclass(frozen=True)
class Segment:
    """A marker, and where its body lies, which excludes marker and length."""

    marker: int
    start: int
    end: int


def read_frame(data: bytes, strict: bool = False) -> Frame:
    """The frame header, which must precede the first scan; nothing after that is read.

    Bytes between segments are skipped, as libjpeg does, or refused if `strict`. Raises
    UnreadableXray.
    """
    frame = None
    for segment in _head(data, strict):
        if segment.marker in _FRAMES:
            if frame is not None:
                raise contradictory()
            frame = _parse_frame(data, segment)
    if frame is None:
        raise damaged()
    return frame


def check_jpeg(data: bytes, strict: bool = False) -> tuple[Frame, list[Segment]]:
    """The frame header and all segments up to the end of the picture.

    Raises UnreadableXray for more segments or scans than any X-ray has, and for what decoders
    interpret differently: a second frame header or size, or markers without a length among the
    segments.
    """
    frame = read_frame(data, strict)
    segments = list(_head(data, strict))
    scans = 1
    pattern = _MARKER_LS if frame.marker == JPEG_LS else _MARKER
    at = segments[-1].end
    while found := pattern.search(data, at):
        marker = data[found.start() + 1]
        if marker == EOI:
            break
        if marker in _FRAMES or marker in _STANDALONE or marker == DNL:
            raise contradictory()
        try:
            segment = _segment(data, found.start())
        except UnreadableXray:
            break  # truncated: left to the decoder, which may still read most of the picture
        segments.append(segment)
        scans += marker == SOS
        if scans > MAX_SCANS:
            raise too_complex("scans")
        if len(segments) > MAX_SEGMENTS:
            raise too_complex("segments")
        at = segment.end
    return frame, segments


def _head(data: bytes, strict: bool) -> Iterator[Segment]:
    """The segments after SOI, up to and including the first SOS."""
    if data[:2] != b"\xff\xd8":
        raise damaged()
    at = 2
    for _ in range(MAX_SEGMENTS):
        segment = _segment(data, at if strict else _skip(data, at))
        yield segment
        if segment.marker == SOS:
            return
        at = segment.end
    raise too_complex("segments")


def _skip(data: bytes, at: int) -> int:
    """Where the next marker begins."""
    while data[at : at + 1] != b"\xff" or data[at + 1 : at + 2] == b"\0":
        if (at := data.find(b"\xff", at + 1)) < 0:
            raise damaged()
    return at


def _segment(data: bytes, at: int) -> Segment:
    if data[at : at + 1] != b"\xff":
        raise damaged()
    while data[at + 1 : at + 2] == b"\xff":  # fill bytes
        at += 1
    if at + 4 > len(data):
        raise damaged()
    marker, length = struct.unpack_from(">BH", data, at + 1)
    if marker == 0:
        raise damaged()
    if marker in _STANDALONE or marker in _HIERARCHICAL:
        raise contradictory()
    end = at + 2 + length
    if length < 2 or end > len(data):
        raise damaged()
    return Segment(marker, at + 4, end)


def _parse_frame(data: bytes, segment: Segment) -> Frame:
    if segment.end - segment.start < 6:
        raise damaged()
    frame = Frame(segment.marker, *struct.unpack_from(">BHHB", data, segment.start))
    if not frame.height or not frame.width or frame.components not in (1, 3, 4):
        raise damaged()
    return frame
