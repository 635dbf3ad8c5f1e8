"""What bytes are, by their first bytes: JPEG, PNG, TIFF or DICOM; and the size their header states.

Standard library alone, bounded, and nothing is decoded, so a service may call this on untrusted
bytes. The same checks run before each decoder in `model.reading.xray`.
"""

from enum import Enum

from model.reading.headers import png, tiff
from model.reading.headers.jpeg import APP1, APP2, MAX_EXIF_SEGMENTS, check_jpeg, read_frame
from model.reading.limits import UnreadableXray, too_complex

PREAMBLE_BYTES = 128
"""What a DICOM file may begin with, of any content, before the letters DICM (PS3.10, 7.1)."""

HEAD_BYTES = PREAMBLE_BYTES + 4
"""As much of a file as `find_kind` looks at."""


class Kind(Enum):
    """A kind of image that is accepted."""

    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    DICOM = "DICOM"


_SIGNATURES = {
    b"\xff\xd8\xff": Kind.JPEG,
    png.SIGNATURE: Kind.PNG,
    b"II*\0": Kind.TIFF,
    b"MM\0*": Kind.TIFF,
    b"II+\0": Kind.TIFF,
    b"MM\0+": Kind.TIFF,
    # A DICOM object without a preamble begins with an element of its header (group 0002) or of its
    # data set (group 0008), and no other kind of image here begins with these bytes.
    b"\x02\0": Kind.DICOM,
    b"\x08\0": Kind.DICOM,
}


def has_preamble(data: bytes) -> bool:
    """Whether DICM stands after a preamble, as in every complete DICOM file."""
    return data[PREAMBLE_BYTES:HEAD_BYTES] == b"DICM"


def find_kind(head: bytes) -> Kind | None:
    """The kind of a file by its first HEAD_BYTES or more; None for anything else."""
    if has_preamble(head):  # first, because the preamble may be the header of a TIFF
        return Kind.DICOM
    return next((kind for start, kind in _SIGNATURES.items() if head.startswith(start)), None)


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are to be read as DICOM, with or without a preamble."""
    return find_kind(data) is Kind.DICOM


def read_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, as the header of a JPEG, PNG or TIFF file states them.

    Raises UnreadableXray when the bytes are of another kind or the header is unusable.
    """
    match find_kind(data):
        case Kind.JPEG:
            frame = read_frame(data)
            return frame.width, frame.height
        case Kind.PNG:
            return png.read_size(data)
        case Kind.TIFF:
            return tiff.read_size(data)
    raise _unknown()


def check_picture(data: bytes) -> None:
    """Bound the structure of a JPEG, PNG or TIFF file before a general decoder sees it.

    Raises UnreadableXray for more parts of any sort than an X-ray needs, and for a header that two
    readers could interpret differently.
    """
    match find_kind(data):
        case Kind.JPEG:
            _check_jpeg(data)
        case Kind.PNG:
            png.check_png(data)
        case Kind.TIFF:
            tiff.check_tiff(data)
        case _:
            raise _unknown()


def _unknown() -> UnreadableXray:
    return UnreadableXray(
        "This is not a JPEG, PNG, TIFF or DICOM image; export the X-ray as one.", "unreadable"
    )


def _check_jpeg(data: bytes) -> None:
    """The segments, and the Exif and MPF directories inside them, which are built like TIFF."""
    _, segments = check_jpeg(data)
    exif = []
    for segment in segments:
        body = data[segment.start : segment.end] if segment.marker in (APP1, APP2) else b""
        if segment.marker == APP1 and body.startswith(b"Exif\0\0"):
            exif.append(body[6:])
        elif segment.marker == APP2 and body.startswith(b"MPF\0"):
            tiff.check_exif(body[4:])
    if len(exif) > MAX_EXIF_SEGMENTS:
        raise too_complex("Exif segments")
    tiff.check_exif(b"".join(exif))
