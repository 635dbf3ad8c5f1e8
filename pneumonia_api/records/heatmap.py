"""The heat map of a record as text: 30 to 140 characters instead of 1,400 as JSON."""

import base64
import zlib
from collections.abc import Sequence

STEPS = 1000
"""Strengths have three decimals, as the predictor gives them, so nothing is lost."""

_BITS = 10  # for numbers up to STEPS
_RAW_DEFLATE = -15  # zlib's window bits for a stream without header and checksum


def pack(rows: list[list[float]]) -> str:
    """`rows` of equal length, at most 255 by 255, of numbers from 0 to 1, as ASCII text.

    Most cells of a heat map are 0, so first comes which are not, deflated, and then the strengths
    of these alone, whose digits no compression makes shorter. The clients of Redis decode every
    reply as UTF-8, so the text is base85.
    """
    cells = [round(strength * STEPS) for row in rows for strength in row]
    places = bytes([len(rows), len(rows[0])]) + _join([cell > 0 for cell in cells], 1)
    strengths = _join([cell for cell in cells if cell], _BITS)
    return base64.b85encode(zlib.compress(places, 9, _RAW_DEFLATE) + strengths).decode()


def unpack(text: str) -> list[list[float]]:
    """The rows that `pack` packed."""
    reader = zlib.decompressobj(_RAW_DEFLATE)
    places = reader.decompress(base64.b85decode(text))
    height, width = places[:2]
    shown = _split(places[2:], 1, height * width)
    strengths = iter(_split(reader.unused_data, _BITS, sum(shown)))
    cells = [next(strengths) / STEPS if is_shown else 0.0 for is_shown in shown]
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def unpack_deflated(text: str) -> list[list[float]]:
    """The rows of the field `heatmap`, in which high and low bytes of all cells are deflated."""
    width, *data = zlib.decompress(base64.b85decode(text), _RAW_DEFLATE)
    half = len(data) // 2
    strengths = [
        (high << 8 | low) / STEPS for high, low in zip(data[:half], data[half:], strict=True)
    ]
    return [strengths[start : start + width] for start in range(0, len(strengths), width)]


def _join(numbers: Sequence[int], bits: int) -> bytes:
    """Numbers of so many bits each, one after the other."""
    joined = 0
    for number in numbers:
        joined = joined << bits | number
    return joined.to_bytes((len(numbers) * bits + 7) // 8)


def _split(data: bytes, bits: int, count: int) -> list[int]:
    """The numbers that `_join` joined."""
    joined = int.from_bytes(data)
    return [joined >> shift & (1 << bits) - 1 for shift in range((count - 1) * bits, -1, -bits)]
