"""Malicious files: each is refused by its header, before it costs time or memory."""

import pytest
from pydicom.uid import JPEG2000Lossless

from model.cage.pool import Cage
from model.reading.kinds import is_dicom, read_size
from model.reading.limits import MAX_PIXELS, REASONS, UnreadableXray
from model.reading.xray import read_xray
from tests.model.reading.hostile import HOSTILE, make_hostile
from tests.model.reading.hostile_dicom import codestream, in_dicom
from tests.model.reading.hostile_jpeg import GREY, jpeg
from tests.model.reading.hostile_png import png
from tests.model.reading.hostile_tiff import tiff


@pytest.fixture(scope="module")
def cage() -> Cage:
    """A cage of one child for all tests."""
    return Cage(1)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_by_its_header(
    cage: Cage, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In one sentence with a reason, and not because its reader had to be killed."""
    data = make_hostile(name)
    with pytest.raises(UnreadableXray, match=r"^[A-Z][^\n]*\.$") as refused:
        cage.read(data, MAX_PIXELS, 224)
    assert refused.value.reason in set(REASONS) - {"crashed", "too_slow"}
    assert "a reader" not in caplog.text


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.startswith("dicom")])
def test_header_reader_of_the_api_needs_no_decoder(name: str) -> None:
    """It returns a size or raises UnreadableXray, and nothing else."""
    data = make_hostile(name)
    assert not is_dicom(data)
    try:
        width, height = read_size(data)
    except UnreadableXray as error:
        assert str(error).endswith(".")
    else:
        assert width > 0
        assert height > 0


@pytest.mark.parametrize(
    "data",
    [jpeg(), jpeg(progressive=True), png(), tiff(), in_dicom(codestream(), JPEG2000Lossless)],
    ids=["JPEG", "progressive JPEG", "PNG", "TIFF", "JPEG 2000"],
)
def test_the_same_files_without_their_malice_are_read(data: bytes) -> None:
    """So what is refused is the attack, not the way in which the tests build files."""
    xray = read_xray(data)
    assert (xray.height, xray.width) == GREY.shape
