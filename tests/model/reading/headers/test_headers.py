"""`model.reading.headers` and `kinds`: whatever the bytes, a size or a refusal, and quickly."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from model.reading.headers import jpeg, jpeg2000, png, tiff
from model.reading.kinds import HEAD_BYTES, Kind, check_picture, find_kind, is_dicom, read_size
from model.reading.limits import REASONS, UnreadableXray
from tests.model.reading import hostile_dicom, hostile_jpeg, hostile_png, hostile_tiff
from tests.model.reading.encoding import encode

quick = settings(derandomize=True, deadline=timedelta(seconds=5), max_examples=300)
"""A header of a few KB takes less than a millisecond; the deadline allows for a busy machine."""

READERS: tuple[Callable[[bytes], object], ...] = (
    read_size,
    check_picture,
    jpeg.check_jpeg,
    partial(jpeg.check_jpeg, strict=True),
    jpeg2000.read_codestream,
    png.check_png,
    tiff.check_tiff,
    tiff.check_exif,
)

FILES = {
    "JPEG": hostile_jpeg.jpeg(),
    "progressive JPEG": hostile_jpeg.jpeg(progressive=True),
    "JPEG with Exif": hostile_jpeg.after_start(
        hostile_jpeg.jpeg(), hostile_jpeg.exif_of(hostile_tiff.shared_tags(3, 50))
    ),
    "JPEG-LS": hostile_jpeg.jpeg_ls(300),
    "PNG": hostile_png.png(),
    "PNG with Exif": hostile_png.png(hostile_png.raw_profile(hostile_tiff.shared_tags(3, 50))),
    "TIFF": hostile_tiff.tiff(),
    "BigTIFF": encode(Image.fromarray(hostile_jpeg.GREY), "TIFF", big_tiff=True),
    "codestream": hostile_dicom.codestream(),
    "JP2": encode(Image.fromarray(hostile_jpeg.GREY), "JPEG2000"),
}
STARTS = [b"", *(data[:length] for data in FILES.values() for length in (4, 16, 60))]


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A file of any kind, truncated, with bytes overwritten, removed, put in or repeated."""
    data = draw(st.sampled_from(list(FILES.values())))
    for _ in range(draw(st.integers(1, 4))):
        # Half of the damage goes to the first bytes, which decide the most.
        last = draw(st.sampled_from([min(200, len(data)), len(data)]))
        start = draw(st.integers(0, last))
        end = min(start + draw(st.integers(0, 40)), len(data))
        more = draw(
            st.sampled_from([b"", data[start:end] * 3, b"\xff" * 4, bytes(4)])
            | st.binary(max_size=12)
        )
        cut = draw(st.booleans())
        data = data[:start] + more + (b"" if cut else data[end:])
    return data


def check_readers(data: bytes) -> None:
    """Give `data` to every reader: anything but UnreadableXray fails the test that calls this."""
    for reader in READERS:
        try:
            reader(data)
        except UnreadableXray as error:
            assert error.reason in REASONS
            assert str(error).endswith(".")


@quick
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(start: bytes, rest: bytes) -> None:
    """By themselves, or after the true first bytes of a file."""
    check_readers(start + rest)


@quick
@given(data=damaged_files())
def test_damaged_files_are_read_or_refused(data: bytes) -> None:
    """Truncated and corrupted in several places."""
    check_readers(data)


@pytest.mark.parametrize("name", FILES)
def test_files_truncated_anywhere_are_read_or_refused(name: str) -> None:
    """At each of the first 700 bytes, and then at every thousandth."""
    data = FILES[name]
    for length in [*range(min(700, len(data))), *range(700, len(data), 1000)]:
        check_readers(data[:length])


KINDS = {
    **{name: Kind.JPEG for name in FILES if "JPEG" in name},
    **{name: Kind.PNG for name in FILES if name.startswith("PNG")},
    **{name: Kind.TIFF for name in FILES if name.endswith("TIFF")},
    "codestream": None,
    "JP2": None,
}


@pytest.mark.parametrize("name", FILES)
def test_kind_is_known_by_the_first_bytes(name: str) -> None:
    """132 bytes are enough, and a TIFF header in the preamble of a DICOM file does not hide it."""
    data = FILES[name]
    assert find_kind(data) is find_kind(data[:HEAD_BYTES]) is KINDS[name]
    assert not is_dicom(data)
    assert is_dicom(data[:128].ljust(128, b"\0") + b"DICM")


@pytest.mark.parametrize(
    "head",
    [
        bytes(128) + b"DICM",
        b"\x02\x00\x00\x00UL\x04\x00",
        b"\x02\x00\x10\x00UI",
        b"\x08\x00\x00\x00\x04\x00",
        b"\x08\x00\x05\x00CS",
        b"\x08\x00\x16\x00UI",
    ],
)
def test_dicom_is_known_with_and_without_a_preamble(head: bytes) -> None:
    """Its header, a group length, and the first elements of a bare data set."""
    assert find_kind(head) is Kind.DICOM


@quick
@given(st.binary(max_size=HEAD_BYTES + 20))
def test_every_reader_of_sizes_agrees_on_the_kind(data: bytes) -> None:
    """Bytes of no known kind are refused as such."""
    if find_kind(data) is None:
        with pytest.raises(UnreadableXray, match="not a JPEG, PNG, TIFF or DICOM image"):
            read_size(data)
