"""Which kind of JPEG a file is that the decoder does not know, so that the reason is right."""

from model.reading.jpeg_header import JPEG_LS, read_frame

_WAY_OUT = "export the X-ray as 8-bit JPEG, PNG or DICOM."
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)


def name_unreadable_jpeg(data: bytes) -> str | None:
    """The sentence for a JPEG of 12 bits, lossless, or JPEG-LS; None for any other file.

    Raises UnreadableXray for a JPEG without a usable frame header.
    """
    if not data.startswith(b"\xff\xd8"):
        return None
    frame = read_frame(data)
    if frame.marker == JPEG_LS:
        return f"This is a JPEG-LS file, which is not read outside DICOM; {_WAY_OUT}"
    if frame.marker in _LOSSLESS:
        return f"This is a lossless JPEG, which is not read outside DICOM; {_WAY_OUT}"
    if frame.bits == 12:
        return f"This is a 12-bit JPEG, which is not read outside DICOM; {_WAY_OUT}"
    return None
