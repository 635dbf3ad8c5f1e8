"""Which kind of machine took a film, by the maker and the model in its DICOM object.

Never which machine: station, serial number, institution and department are not read. Both elements
are free text, so a word that may be a number of something is left out, and so is whatever no name
of a product has. Read by a pass of its own, like the accession number.
"""

import re

from pydicom.tag import Tag

from model.reading.dicom.anatomy import decode_text
from model.reading.dicom.header import PARSE_ERRORS, parse

LONGEST = 32
"""Characters of a maker, and of a model; a name that is cut groups films as well."""

_LOOKED_AT = 128
"""Characters of an element; a Long String has 64 (PS3.5, table 6.2-1)."""

_TAGS = (Tag("Manufacturer"), Tag("ManufacturerModelName"))

_UNUSUAL = re.compile(r"[^A-Za-z0-9 ./+()-]+")
_NUMBERED = re.compile(r"\S*\d(?:[ ./-]?\d){4}\S*")
"""Five digits: a serial number or a patient's; names of products have up to four."""


def read_device(data: bytes, max_inflated: int) -> str:
    """Maker and model of an object that was read already; "" if it names neither.

    ASCII, of up to 2 * LONGEST + 1 characters. `max_inflated` limits the size in bytes of a
    deflated object; a larger one has none either.
    """
    try:
        dataset = parse(data, max_inflated, list(_TAGS))
        names = []
        for tag in _TAGS:
            raw = dataset.get_item(tag)
            value = raw.value if raw is not None else None
            text = decode_text(value) if isinstance(value, bytes) else str(value or "")
            names.append(_clean(text))
    except PARSE_ERRORS:
        return ""
    maker, model = names
    # Many models begin with their maker's name.
    repeats = maker and model.lower().startswith(maker.lower())
    return model if repeats else f"{maker} {model}".strip()


def _clean(text: str) -> str:
    """The usual words of a name, in upper and lower case as given; none of a person's name."""
    if "^" in text:  # which separates its parts (PS3.5, 6.2.1)
        return ""
    words = _NUMBERED.sub(" ", _UNUSUAL.sub(" ", text[:_LOOKED_AT])).split()
    return " ".join(words)[:LONGEST].strip()
