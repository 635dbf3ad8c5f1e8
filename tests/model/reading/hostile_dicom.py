"""Small malicious DICOM files, and JPEG 2000 codestreams to put into them."""

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless

from tests.model.reading.dicom_objects import build, save, save_bare, save_frame
from tests.model.reading.encoding import encode
from tests.model.reading.hostile_jpeg import GREY

PREAMBLE = bytes(128) + b"DICM"


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    """One element, explicit little endian."""
    if vr in (b"SQ", b"OB", b"OW", b"UN", b"UT"):
        return struct.pack("<HH2sHL", group, number, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


def deflated(body: bytes) -> bytes:
    """A DICOM file whose data set is `body`, deflated."""
    syntax = str(DeflatedExplicitVRLittleEndian).encode()
    meta = element(2, 0x10, b"UI", syntax + b"\0" * (len(syntax) % 2))
    squeezed = zlib.compressobj(1, wbits=-15)
    data = PREAMBLE + element(2, 0, b"UL", struct.pack("<L", len(meta))) + meta
    return data + squeezed.compress(body) + squeezed.flush()


def plain(body: bytes) -> bytes:
    """A DICOM file whose data set is `body`, explicit little endian."""
    syntax = str(ExplicitVRLittleEndian).encode() + b"\0"
    meta = element(2, 0x10, b"UI", syntax)
    return PREAMBLE + element(2, 0, b"UL", struct.pack("<L", len(meta))) + meta + body


def tiny_elements(count: int) -> bytes:
    """`count` private elements without a value."""
    return b"".join(
        struct.pack("<HH2sH", 9 + 2 * (number >> 16), number & 0xFFFF, b"LO", 0)
        for number in range(count)
    )


def nested(depth: int) -> bytes:
    """Nested sequences of undefined length."""
    begin = struct.pack("<HH2sHL", 9, 0x1001, b"SQ", 0, 0xFFFFFFFF)
    return (begin + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)) * depth


def view_codes(count: int) -> bytes:
    """A view code sequence of one item with `count` elements."""
    items = tiny_elements(count)
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(items)) + items
    return element(0x54, 0x220, b"SQ", item)


def in_dicom(frame: bytes, syntax: UID, side: tuple[int, int] = GREY.shape) -> bytes:
    """A frame in a chest X-ray of `side` rows and columns."""
    return save_frame(build(np.zeros(side, np.uint8)), frame, syntax)


def codestream(**options: object) -> bytes:
    """An ordinary JPEG 2000 codestream, without boxes."""
    return encode(Image.fromarray(GREY), "JPEG2000", no_jp2=True, irreversible=False, **options)


def large_codestream(side: int) -> bytes:
    """An ordinary picture under a header that states `side` x `side`."""
    data = bytearray(codestream())
    at = data.index(b"\xff\x51")
    struct.pack_into(">2L", data, at + 6, side, side)
    struct.pack_into(">2L", data, at + 22, side, side)
    return bytes(data)


def decoy_siz(side: int) -> bytes:
    """A JP2 whose first box holds the SIZ of a small picture, and whose codestream is large."""
    boxed = encode(Image.new("L", (side, side), 9), "JPEG2000")
    start = boxed.index(b"jp2c") - 4
    decoy = codestream()
    box = struct.pack(">L4s", 8 + len(decoy), b"free") + decoy
    return boxed[:start] + box + boxed[start:]


def rle(header: Iterable[int], body: bytes = bytes(100)) -> bytes:
    """An RLE frame with up to sixteen numbers as its header."""
    numbers = [*header]
    return struct.pack("<16L", *numbers, *[0] * (16 - len(numbers))) + body


def fragments(count: int) -> bytes:
    """A chest X-ray in RLE whose pixels are `count` empty fragments."""
    data = in_dicom(rle([1, 64]), RLELossless)
    at = data.rindex(struct.pack("<HHL", 0xFFFE, 0xE0DD, 0))
    return data[:at] + struct.pack("<HHL", 0xFFFE, 0xE000, 0) * count + data[at:]


def tiles(side: int) -> bytes:
    """A JPEG 2000 picture in tiles of `side` x `side`."""
    return codestream(tile_size=(side, side))


def layers(count: int) -> bytes:
    """A JPEG 2000 header that claims `count` quality layers."""
    data = bytearray(codestream())
    struct.pack_into(">H", data, data.index(b"\xff\x52") + 6, count)
    return bytes(data)


def resolutions(count: int) -> bytes:
    """A JPEG 2000 header that claims `count` resolutions."""
    data = bytearray(codestream())
    data[data.index(b"\xff\x52") + 9] = count
    return bytes(data)


def with_element(more: bytes) -> bytes:
    """A chest X-ray with one more element before its pixels."""
    data = save(build(GREY), ExplicitVRLittleEndian)
    at = data.index(struct.pack("<HH2s", 0x7FE0, 0x10, b"OB"))
    return data[:at] + more + data[at:]


def many_windows(count: int) -> bytes:
    """A chest X-ray, implicit, with `count` window centres in one element."""
    bare = save_bare(build(GREY), implicit=True)
    at = bare.index(struct.pack("<HH", 0x7FE0, 0x10))
    centres = b"1\\" * count
    return bare[:at] + struct.pack("<HHL", 0x28, 0x1050, len(centres)) + centres + bare[at:]
