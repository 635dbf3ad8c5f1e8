"""What bytes are, by their header alone: JPEG, PNG, TIFF or DICOM, and of how many pixels.

Standard library alone, bounded, and nothing is decoded, so that a service may ask this about bytes
that it does not trust. The same readers stand before each decoder in `model.reading.xray`.
"""

from model.reading import png_header, tiff_header
from model.reading.jpeg_header import APP1, APP2, MAX_EXIF_SEGMENTS, check_jpeg, read_frame
from model.reading.limits import UnreadableXray, too_complex

_JPEG = b"\xff\xd8\xff"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_dicom(data: bytes) -> bool:
    """Whether the bytes claim to be DICOM, or may be a DICOM object without preamble.

    Without preamble an object begins with an element of its header (group 0002) or of the data set
    (group 0008), and no other kind of image that is accepted begins so.
    """
    return data[128:132] == b"DICM" or data[:2] in (b"\x02\x00", b"\x08\x00")


def read_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of a JPEG, PNG or TIFF file by its header.

    Raises UnreadableXray when the bytes are none or the header is unusable.
    """
    if data.startswith(_JPEG):
        frame = read_frame(data)
        return frame.width, frame.height
    if data.startswith(png_header.SIGNATURE):
        return png_header.read_size(data)
    if data.startswith(_TIFF):
        return tiff_header.read_size(data)
    raise UnreadableXray(
        "This is not a JPEG, PNG, TIFF or DICOM image; export the X-ray as one.", "unreadable"
    )


def check_picture(data: bytes) -> None:
    """Count what a JPEG, PNG or TIFF file is built of, before a general decoder sees it.

    Raises UnreadableXray for more of anything than an X-ray needs, and where two readers of the
    header could disagree.
    """
    read_size(data)
    if data.startswith(_JPEG):
        _check_jpeg(data)
    elif data.startswith(png_header.SIGNATURE):
        png_header.check_png(data)
    else:
        tiff_header.check_tiff(data)


def _check_jpeg(data: bytes) -> None:
    _, segments = check_jpeg(data)
    exif = []
    for segment in segments:
        body = data[segment.start : segment.end] if segment.marker in (APP1, APP2) else b""
        if segment.marker == APP1 and body.startswith(b"Exif\0\0"):
            exif.append(body[6:])
        elif segment.marker == APP2 and body.startswith(b"MPF\0"):
            tiff_header.check_exif(body[4:])
    if len(exif) > MAX_EXIF_SEGMENTS:
        raise too_complex("Exif segments")
    tiff_header.check_exif(b"".join(exif))
