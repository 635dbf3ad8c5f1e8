"""Which kind of JPEG a file is that the decoder does not know, so that the reason is right."""

from collections.abc import Iterator

_WAY_OUT = "export the X-ray as 8-bit JPEG, PNG or DICOM."


def name_unreadable_jpeg(data: bytes) -> str | None:
    """The sentence for a JPEG of 12 bits, lossless, or JPEG-LS; None for any other file."""
    for marker, precision in _read_frames(data):
        if marker == 0xF7:
            return f"This is a JPEG-LS file, which is not read outside DICOM; {_WAY_OUT}"
        if marker in (0xC3, 0xC7, 0xCB, 0xCF):
            return f"This is a lossless JPEG, which is not read outside DICOM; {_WAY_OUT}"
        if precision == 12:
            return f"This is a 12-bit JPEG, which is not read outside DICOM; {_WAY_OUT}"
    return None


def _read_frames(data: bytes) -> Iterator[tuple[int, int]]:
    """(marker, precision in bits) of the frame headers before the first scan."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 5 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xDA:
            return
        # SOF0 to 15 without DHT, JPG and DAC; SOF55 of JPEG-LS.
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            yield marker, data[at + 4]
        at += 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)
