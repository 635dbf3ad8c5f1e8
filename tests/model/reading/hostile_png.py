"""Small, ordinary and malicious PNG files."""

import struct
import zlib

from tests.model.reading.hostile_jpeg import GREY


def chunk(name: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))


def png(*more: bytes, ihdr: bytes = b"", data: bytes | None = None) -> bytes:
    """A grey PNG with chunks inserted after its IHDR."""
    height, width = GREY.shape
    rows = b"".join(b"\0" + row.tobytes() for row in GREY)
    head = chunk(b"IHDR", ihdr or struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows) if data is None else data)
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + body + chunk(b"IEND", b"")


def zeros(size: int) -> bytes:
    """Deflated zeros, in less than a hundredth of `size` bytes."""
    return zlib.compress(bytes(size), 1)


def raw_profile(body: bytes) -> bytes:
    """Exif as ImageMagick stores it in PNG: hexadecimal, in a compressed text chunk."""
    text = b"\nexif\n%8d\n" % len(body) + body.hex().encode() + b"\n"
    return chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text, 9))
