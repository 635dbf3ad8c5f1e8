"""Small, ordinary and malicious TIFF files, and Exif, which is built alike."""

import struct
from collections.abc import Iterable

from tests.model.reading.hostile_jpeg import GREY


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
