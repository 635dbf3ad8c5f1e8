"""Malicious files, each small, and each a different attack on a decoder.

`HOSTILE` maps the name of each attack to a function that makes the file. Files are small enough for
a test, and large enough to hang, crash or exhaust a reader without bounds.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from tests.model.reading.dicom_objects import build, save, save_bare, save_frame

GREY = np.asarray(Image.radial_gradient("L").resize((300, 200)))
PREAMBLE = bytes(128) + b"DICM"


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


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


def ifd(order: str, entries: Iterable[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A TIFF directory of (tag, type, count, value or offset) entries."""
    made = [struct.pack(f"{order}HHLL", *entry) for entry in entries]
    return (
        struct.pack(f"{order}H", len(made)) + b"".join(made) + struct.pack(f"{order}L", following)
    )


def shared_tags(tags: int, size: int) -> bytes:
    """A TIFF header and directory in which every tag claims the same `size` bytes."""
    at = 8 + 2 + 12 * tags + 4
    entries = [(50_000 + number, 7, size, at) for number in range(tags)]
    return b"II*\0" + struct.pack("<L", 8) + ifd("<", entries) + bytes(size)


def tiff(
    *more: tuple[int, int, int, int],
    pixels: bytes = GREY.tobytes(),
    size: tuple[int, int] = (GREY.shape[1], GREY.shape[0]),
    compression: int = 1,
    following: int = 0,
    offsets: tuple[int, int, int, int] | None = None,
) -> bytes:
    """A grey TIFF of one strip with more tags; the strip is at offset 8, the directory follows."""
    tags = {
        256: (4, 1, size[0]),
        257: (4, 1, size[1]),
        258: (3, 1, 8),
        259: (3, 1, compression),
        262: (3, 1, 1),
        273: (4, 1, 8),
        277: (3, 1, 1),
        278: (4, 1, size[1]),
        279: (4, 1, len(pixels)),
    }
    entries = [(tag, *rest) for tag, rest in tags.items()]
    if offsets:
        entries = [offsets if entry[0] == offsets[0] else entry for entry in entries]
    entries = sorted([*entries, *more])
    start = 8 + len(pixels)
    return b"II*\0" + struct.pack("<L", start) + pixels + ifd("<", entries, following)


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


def rle(header: Iterable[int], body: bytes = bytes(100)) -> bytes:
    """An RLE frame with up to sixteen numbers as its header."""
    numbers = [*header]
    return struct.pack("<16L", *numbers, *[0] * (16 - len(numbers))) + body


def fragments(count: int) -> bytes:
    """A chest X-ray in RLE whose pixels are `count` empty fragments."""
    data = in_dicom(rle([1, 64]), RLELossless)
    at = data.rindex(struct.pack("<HHL", 0xFFFE, 0xE0DD, 0))
    return data[:at] + struct.pack("<HHL", 0xFFFE, 0xE000, 0) * count + data[at:]


def exif_of(body: bytes) -> bytes:
    """An APP1 segment of Exif."""
    return segment(0xE1, b"Exif\0\0" + body)


def raw_profile(body: bytes) -> bytes:
    """Exif as ImageMagick stores it in PNG: hexadecimal, in a compressed text chunk."""
    text = b"\nexif\n%8d\n" % len(body) + body.hex().encode() + b"\n"
    return chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text, 9))


def looped_tiff() -> bytes:
    """A TIFF whose directory names itself as the next."""
    return tiff(following=8 + GREY.size)


def many_pages(count: int) -> bytes:
    """A chain of directories, each tagged as a reduced copy."""
    data = b"II*\0" + struct.pack("<L", 8 + GREY.size) + GREY.tobytes()
    for number in range(count):
        here = len(data)
        entries = [(254, 4, 1, 1), *[(t, k, 1, v) for t, k, v in (
            (256, 4, GREY.shape[1]), (257, 4, GREY.shape[0]), (258, 3, 8), (259, 3, 1), (262, 3, 1),
            (273, 4, 8), (277, 3, 1), (278, 4, GREY.shape[0]), (279, 4, GREY.size),
        )]]  # fmt: skip
        following = here + 2 + 12 * len(entries) + 4 if number < count - 1 else 0
        data += ifd("<", entries, following)
    return data


def strips(count: int) -> bytes:
    """A TIFF that claims `count` strips, all in the same place."""
    pixels = GREY.tobytes() + struct.pack("<L", 8) * count
    return tiff(pixels=pixels, offsets=(273, 4, count, 8 + GREY.size))


def jpeg_ls(side: int) -> bytes:
    """The header of a JPEG-LS picture of `side` x `side`, without data."""
    frame = segment(0xF7, struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0))
    return b"\xff\xd8" + frame + segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(64) + b"\xff\xd9"


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


HOSTILE: dict[str, Callable[[], bytes]] = {
    # JPEG
    "jpeg_many_scans": lambda: many_scans(2000, 8_000),
    "jpeg_many_scans_of_60_megapixels": lambda: many_scans(7700, 2_000),
    "jpeg_many_exif_segments": lambda: after_start(
        jpeg(), *[exif_of(bytes([n & 255]) * 120) for n in range(30_000)]
    ),
    "jpeg_many_comments": lambda: after_start(jpeg(), *[segment(0xFE, b"")] * 400_000),
    "jpeg_shared_exif_tags": lambda: after_start(jpeg(), exif_of(shared_tags(2_000, 40_000))),
    "jpeg_shared_mpf_tags": lambda: after_start(
        jpeg(), segment(0xE2, b"MPF\0" + shared_tags(2_000, 40_000))
    ),
    "jpeg_many_profile_pieces": lambda: after_start(
        jpeg(), *[segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(100))] * 5_000
    ),
    "jpeg_marker_before_frame": lambda: marker_before_frame(0x01, 3_000),
    "jpeg_two_frames": two_frames,
    # TIFF
    "tiff_shared_tags": lambda: tiff(
        *[(50_000 + number, 7, 8_000_000, 8) for number in range(400)],
        pixels=GREY.tobytes() + bytes(8_000_000),
    ),
    "tiff_many_strips": lambda: strips(4_000_000),
    "tiff_loop": looped_tiff,
    "tiff_many_pages": lambda: many_pages(2_000),
    "tiff_deflate_bomb": lambda: tiff(pixels=zeros(100_000_000), compression=8),
    "tiff_many_scans": lambda: tiff(
        pixels=many_scans(2000, 8_000), size=(2000, 2000), compression=7
    ),
    "tiff_giant_tile": lambda: tiff(
        (322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, 8), (325, 4, 1, GREY.size)
    ),
    "tiff_pixel_bomb": lambda: tiff(size=(60_000, 60_000)),
    # PNG
    "png_shared_exif_tags": lambda: png(chunk(b"eXIf", shared_tags(400, 8_000_000))),
    "png_raw_profile": lambda: png(raw_profile(shared_tags(2_000, 400_000))),
    "png_text_bombs": lambda: png(*[chunk(b"zTXt", b"k\0\0" + zeros(1_000_000))] * 600),
    "png_profile_bomb": lambda: png(chunk(b"iCCP", b"p\0\0" + zeros(50_000_000))),
    "png_data_bomb": lambda: png(data=zeros(100_000_000)),
    "png_two_headers": lambda: png(
        chunk(b"IHDR", struct.pack(">LLBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0))
    ),
    "png_pixel_bomb": lambda: png(ihdr=struct.pack(">LLBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)),
    "png_many_chunks": lambda: png(*[chunk(b"tEXt", b"k\0v")] * 600_000),
    # DICOM
    "dicom_many_scans": lambda: in_dicom(many_scans(2000, 8_000), JPEGBaseline8Bit, (2000, 2000)),
    "dicom_restart_before_frame": lambda: in_dicom(
        marker_before_frame(0xD0, 3_000), JPEGBaseline8Bit
    ),
    "dicom_marker_before_frame": lambda: in_dicom(
        marker_before_frame(0x01, 3_000), JPEGBaseline8Bit
    ),
    "dicom_two_frames": lambda: in_dicom(two_frames(), JPEGBaseline8Bit),
    "dicom_decoy_siz": lambda: in_dicom(decoy_siz(3_000), JPEG2000Lossless),
    "dicom_other_size": lambda: in_dicom(large_codestream(30_000), JPEG2000Lossless),
    "dicom_other_codec": lambda: in_dicom(jpeg(), JPEG2000Lossless),
    "dicom_many_tiles": lambda: in_dicom(tiles(2), JPEG2000Lossless),
    "dicom_many_layers": lambda: in_dicom(layers(65_535), JPEG2000Lossless),
    "dicom_many_resolutions": lambda: in_dicom(resolutions(32), JPEG2000Lossless),
    "dicom_jpeg_ls_bomb": lambda: in_dicom(jpeg_ls(30_000), JPEGLSLossless),
    "dicom_wild_rle": lambda: in_dicom(rle([1, 0xFFFFFFF0]), RLELossless),
    "dicom_many_rle_segments": lambda: in_dicom(rle([0xFFFFFFFF, *[64] * 15]), RLELossless),
    "dicom_many_fragments": lambda: fragments(2_000_000),
    "dicom_deflated_elements": lambda: deflated(tiny_elements(1_000_000)),
    "dicom_elements": lambda: plain(tiny_elements(1_000_000)),
    "dicom_deflate_bomb": lambda: deflated(element(9, 0x1001, b"OB", bytes(200_000_000))),
    "dicom_nested_sequences": lambda: plain(nested(100_000)),
    "dicom_many_windows": lambda: many_windows(8_000_000),
    "dicom_view_codes": lambda: with_element(view_codes(1_000_000)),
}
"""Attack -> function that makes the file."""


def make_hostile(name: str) -> bytes:
    """The file of one attack."""
    return HOSTILE[name]()
