"""A strict, bounded reader of PNG chunks (PNG, third edition).

Standard library alone. The cost of refusing a file is linear in its size.
"""

import struct
import zlib

from model.reading.headers.tiff import check_exif
from model.reading.limits import contradictory, damaged, too_complex

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 50_000
"""In the whole file: 25 MB in pieces of 512 bytes; encoders write pieces of 8 KB or more."""

MAX_TEXTS = 256
"""Text chunks; devices write a few."""

MAX_INFLATED = 1 << 20
"""Bytes inflated from one compressed text; Pillow has the same limit."""

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bit depths allowed for each colour type."""

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_RAW_EXIF = b"Raw profile type exif"
"""ImageMagick's keyword for Exif in a text chunk, as hexadecimal digits after three lines."""


def read_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises UnreadableXray."""
    if data[:8] != SIGNATURE or data[8:16] != struct.pack(">L4s", 13, b"IHDR") or len(data) < 33:
        raise damaged()
    width, height, bits, colour, *methods, check = struct.unpack_from(">2L5BL", data, 16)
    if not width or not height or bits not in _DEPTHS.get(colour, ()):
        raise damaged()
    if methods[:2] != [0, 0] or methods[2] > 1 or check != zlib.crc32(data[12:29]):
        raise damaged()
    return width, height


def check_png(data: bytes) -> None:
    """Raise UnreadableXray for a second header, or more chunks, texts or Exif than an X-ray has.

    A truncated file is left to the decoder.
    """
    read_size(data)
    at, chunks, texts = 33, 0, 0
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">L4s", data, at)
        body = memoryview(data)[at + 8 : at + 8 + length]
        chunks += 1
        texts += name in _TEXTS
        if chunks > MAX_CHUNKS:
            raise too_complex("chunks")
        if texts > MAX_TEXTS:
            raise too_complex("texts")
        if name == b"IHDR":
            raise contradictory()
        if name == b"IEND":
            return
        if name == b"eXIf":
            check_exif(bytes(body))
        elif name in _TEXTS and bytes(body[: len(_RAW_EXIF)]) == _RAW_EXIF:
            check_exif(_unpack(name, bytes(body[len(_RAW_EXIF) :])))
        at += 12 + length


def _unpack(name: bytes, body: bytes) -> bytes:
    """The Exif in a text chunk of ImageMagick; empty if the text is not in that form."""
    text = body[1:]
    try:
        if name == b"iTXt":
            flag = text[:1]
            text = text[2:].split(b"\0", 2)[2]
        if name == b"zTXt" or (name == b"iTXt" and flag == b"\1"):
            packed = text[1:] if name == b"zTXt" else text
            text = zlib.decompressobj().decompress(packed, MAX_INFLATED)
        exif = bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    except (IndexError, ValueError, zlib.error):
        return b""
    return exif.removeprefix(b"Exif\0\0")
