"""Small, ordinary and malicious JPEG files."""

import struct

import numpy as np
from PIL import Image

from tests.model.reading.encoding import encode

GREY = np.asarray(Image.radial_gradient("L").resize((300, 200)))
"""The picture in all of these files."""


def jpeg(**options: object) -> bytes:
    """An ordinary small grey JPEG."""
    return encode(Image.fromarray(GREY), "JPEG", **options)


def segment(marker: int, body: bytes) -> bytes:
    """One JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def after_start(data: bytes, *segments: bytes) -> bytes:
    """A JPEG with segments inserted after its SOI."""
    return data[:2] + b"".join(segments) + data[2:]


def many_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG with many scans that refine a picture of one grey.

    Each scan is a few bytes, because one end-of-band run covers 16,384 blocks, and costs a pass
    over all the blocks.
    """
    data = b"\xff\xd8" + segment(0xDB, bytes([0]) + bytes([1]) * 64)
    data += segment(0xC2, struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0))
    blocks = ((side + 7) // 8) ** 2
    # DC: one code of one bit for "no difference"; AC: one code of one bit for the longest band run.
    data += segment(0xC4, bytes([0x00, 1, *[0] * 15, 0x00]))
    data += segment(0xC4, bytes([0x10, 1, *[0] * 15, 0xE0]))
    data += segment(0xDA, bytes([1, 1, 0x00, 0, 0, 0])) + bytes(blocks // 8 + 1)
    runs = blocks // (1 << 14) + 1
    body = bytes(2 * runs + 2)  # each run: one bit of code and 14 of length, all 0
    for _ in range(scans):
        data += segment(0xDA, bytes([1, 1, 0x00, 1, 63, 0])) + body
    return data + b"\xff\xd9"


def marker_before_frame(marker: int, side: int) -> bytes:
    """A marker without length, which makes some readers skip the true, large SOF.

    A reader that expects a length after every marker finds a SOF of 300 x 200 in a comment 65,538
    bytes later.
    """
    real = encode(Image.new("L", (side, side), 9), "JPEG")
    decoy = segment(0xC0, struct.pack(">BHHBBBB", 8, *GREY.shape, 1, 1, 0x11, 0))
    comments = segment(0xFE, bytes(59_996)) + segment(0xFE, bytes(5_530) + decoy)
    return real[:2] + struct.pack(">BB", 0xFF, marker) + comments + real[2:]


def two_frames() -> bytes:
    """A small SOF and then a large one."""
    large = segment(0xC0, struct.pack(">BHHBBBB", 8, 20_000, 20_000, 1, 1, 0x11, 0))
    data = jpeg()
    at = data.index(b"\xff\xc4")
    return data[:at] + large + data[at:]


def exif_of(body: bytes) -> bytes:
    """An APP1 segment of Exif."""
    return segment(0xE1, b"Exif\0\0" + body)


def jpeg_ls(side: int) -> bytes:
    """The header of a JPEG-LS picture of `side` x `side`, without data."""
    frame = segment(0xF7, struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0))
    return b"\xff\xd8" + frame + segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(64) + b"\xff\xd9"
