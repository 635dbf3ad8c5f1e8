"""The accession number of a DICOM object, which identifies a study within a hospital.

It is read for sites that want it as the reference of an X-ray, and by a pass of its own: nothing
else that reads a DICOM can let it out.
"""

from pydicom.tag import Tag

from model.reading.dicom.anatomy import decode_text
from model.reading.dicom.header import PARSE_ERRORS, parse

LONGEST = 16
"""Characters of a Short String (PS3.5, table 6.2-1)."""

_TAG = Tag("AccessionNumber")


def read_accession(data: bytes, max_inflated: int) -> str:
    """The number of an object that was read already; "" if it has none that can be shown.

    `max_inflated` limits the size in bytes of a deflated object; a larger one has none either.
    """
    try:
        dataset = parse(data, max_inflated, [_TAG])
        raw = dataset.get_item(_TAG)
        value = raw.value if raw is not None else None
        text = (decode_text(value) if isinstance(value, bytes) else str(value or "")).strip(" \0")
    except PARSE_ERRORS:
        return ""
    return text if len(text) <= LONGEST and text.isprintable() else ""
