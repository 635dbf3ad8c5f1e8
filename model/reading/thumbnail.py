"""A small picture inside a JPEG: the extension segment that JFIF has for it (JFIF 1.02, page 5).

So a preview and its thumbnail are one file: one write, and one deletion that cannot leave either.
Viewers skip the segment. Written with the standard library alone, because the API reads it.
"""

SIDE = 96
"""Longest side in pixels: twice that of a row of the worklist, for dense screens."""

HEAD_BYTES = 16 << 10
"""The beginning of a file that holds the whole segment."""

_START, _APP0, _JPEG_CODED = b"\xff\xd8", b"\xff\xe0", b"JFXX\0\x10"
_LONGEST = HEAD_BYTES - 64


def embed_thumbnail(jpeg: bytes, thumbnail: bytes) -> bytes:
    """`jpeg`, which begins with a JFIF segment, with `thumbnail`, a JPEG of at most SIDE.

    A thumbnail that is too long is left out.
    """
    end = _end_of_jfif(jpeg)
    if end is None or len(thumbnail) > _LONGEST:
        return jpeg
    body = _JPEG_CODED + thumbnail
    return jpeg[:end] + _APP0 + (len(body) + 2).to_bytes(2) + body + jpeg[end:]


def find_thumbnail(head: bytes) -> bytes | None:
    """The thumbnail of a JPEG of which `head` is the beginning; None if it has none."""
    start = _end_of_jfif(head)
    if start is None or head[start : start + 2] != _APP0:
        return None
    length = int.from_bytes(head[start + 2 : start + 4])
    body = head[start + 4 : start + 2 + length]
    if len(body) != length - 2 or not body.startswith(_JPEG_CODED):
        return None
    return body[len(_JPEG_CODED) :]


def _end_of_jfif(jpeg: bytes) -> int | None:
    if jpeg[:4] != _START + _APP0 or jpeg[6:11] != b"JFIF\0":
        return None
    return 4 + int.from_bytes(jpeg[4:6])
