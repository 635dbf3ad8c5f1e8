"""The header of a DICOM file (PS3.10, 7.1): which object it holds, without its data set.

Standard library alone, bounded.
"""

import struct
from dataclasses import dataclass

from model.reading.limits import UnreadableXray, damaged

_START = 132
_MAX_ELEMENTS = 64
_LONG = (b"OB", b"OW", b"UN", b"UT", b"SQ", b"UC", b"UR")
"""Value representations with a length of 32 bits after two bytes (PS3.5, 7.1.2)."""

_CLASS, _INSTANCE, _SYNTAX = 0x0002, 0x0003, 0x0010
_GROUP = 0x0002


@dataclass(frozen=True)
class FileMeta:
    """UIDs of the object's class, of the object itself, and of its transfer syntax."""

    sop_class: str
    instance: str
    syntax: str


def read_meta(data: bytes) -> FileMeta:
    """The header of a file with preamble. Raises UnreadableXray."""
    if data[_START - 4 : _START] != b"DICM":
        raise damaged()
    found, at = {}, _START
    for _ in range(_MAX_ELEMENTS):
        if len(data) < at + 12:
            break
        group, element, kind, length = struct.unpack_from("<HH2sH", data, at)
        at += 8
        if group != _GROUP:
            break
        if kind in _LONG:
            (length,) = struct.unpack_from("<L", data, at)
            at += 4
        found[element] = data[at : at + length]
        at += length
    try:
        return FileMeta(*(_read_uid(found[each]) for each in (_CLASS, _INSTANCE, _SYNTAX)))
    except KeyError:
        raise damaged() from None


def _read_uid(value: bytes) -> str:
    text = value.rstrip(b"\0 ")
    if not 0 < len(text) <= 64 or not set(text) <= set(b"0123456789."):
        raise damaged()
    return text.decode()


__all__ = ["FileMeta", "UnreadableXray", "read_meta"]
