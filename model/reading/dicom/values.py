"""The numbers in a DICOM element, whatever a device wrote into it.

An optional number that is unusable is no reason to refuse a picture, so nothing here raises: from
blanks, decimal commas, lists, infinities and broken text come the finite numbers that they hold.
"""

import math
import re
import struct

from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
_US_OR_SS = "US or SS"
"""The VR in the data dictionary for elements that are signed if the pixels are (PS3.6)."""

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?")


def read_numbers(dataset: Dataset, element: str) -> list[float]:
    """The finite numbers of an element, by its keyword; empty if it has none or is missing."""
    return [number for number in _read_all(dataset, element) if math.isfinite(number)]


def read_pairs(dataset: Dataset, one: str, other: str) -> list[tuple[float, float]]:
    """The values of two elements paired by position, where both are finite numbers."""
    both = zip(_read_all(dataset, one), _read_all(dataset, other), strict=False)
    return [pair for pair in both if all(map(math.isfinite, pair))]


def _read_all(dataset: Dataset, element: str) -> list[float]:
    """One number for each value of the element, in order; NaN for a value that is not a number."""
    tag = Tag(element)
    if tag not in dataset:
        return []
    raw = dataset.get_item(tag, keep_deferred=True)  # else it parses an empty element, which raises
    value: object = raw.value if raw is not None else None
    if isinstance(raw, RawDataElement) and isinstance(value, bytes):
        vr = raw.VR or dictionary_VR(tag)  # an implicit object names no VR
        if vr == _US_OR_SS:
            vr = "SS" if read_number(dataset, "PixelRepresentation") == 1 else "US"
        code = _BINARY.get(vr)
        if code:
            return _unpack(value, code, raw.is_little_endian)
        value = value.decode("latin-1")
    if isinstance(value, str):
        value = value.split("\\")
    if not isinstance(value, (list, tuple)) and not hasattr(value, "__iter__"):
        value = [value]
    return [_number(str(item)) for item in value]


def read_number(dataset: Dataset, element: str) -> float | None:
    """The first finite number of an element, or None."""
    numbers = read_numbers(dataset, element)
    return numbers[0] if numbers else None


def _unpack(value: bytes, code: str, little: bool) -> list[float]:
    count = len(value) // struct.calcsize(f"<{code}")
    size = count * struct.calcsize(f"<{code}")
    return list(struct.unpack(f"{'<' if little else '>'}{count}{code}", value[:size]))


def _number(text: str) -> float:
    """A decimal comma counts as a point; text that is not a number becomes NaN."""
    found = _NUMBER.match(text.strip(" \0"))
    return float(found[0].replace(",", ".")) if found else math.nan
