"""`model.reading.dicom.pixels` through `read_xray`: every encoding gives the same picture."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
)

from model.reading.xray import UnreadableXray, read_xray
from tests.model.reading.dicom.ramp import GREY, RAMP, close
from tests.model.reading.dicom_objects import LOSSLESS, build, save, save_bare, save_frame

# A 12-bit JPEG-LS codestream of 20 steps, 30 by 25 pixels each: no library here can write one.
JPEG_LS = base64.b85decode(
    b"|JeWc01FHNcmRC?0TBTI+5iXv0RR910RM6X_z*z|LJ<)W5fVuxkN^Mx07g0l5JC`yL_|bHl1U^00000Hj+CV-N>Z"
    b"w-s;a80s;U40000q;r722Ml%*+3Q!_I%s;kBa1Q;Nq9GFOih)9i?krE<AY{ZC>5+=-%BuNuyNRlLpvm{9pMA?!gi"
    b"6YsgQYjYAB9Tb8X%vb@vq+>;Et*9lk!;c_6pLn&NTgddibW%{k&%(v$jHd-<YZ)aaxyYIIT;xpoQ#Z)&PGN@XCos"
    b"cvyqXJ*~rMq?Brx*c5*T@J2@E{8~_~ps;a80s;a80s;a7h1q!OIq>@P_l1U^CbdpIVl1WunK*m*7RaI413|Ieu{s"
    b"fGSjE>GmMn`8OBO|ksk&)TR$jI#EWMp=7GBP_k85td%jEs)XMn*?xBO@cTk&%(v$jHd-<YZ)aaxyYIIT;xpoQ#Z)"
    b"&PGN@XCoscvyqXJ*~rMq?Brx*c5*T@J2@E{9h{7ej?P9#M`t4=BeRi_k=e+|$lwn@|9}1rNB@8P7;pc7_%NUUfAG"
    b"P7|9{|-k&%(v$jHd-<YZ)aaxyYIIT;xpoQ#Z)&PGN@XCoscvyqXJ*~rMq?Brx*c5*T@J2@E{9h{7ej?P9#M`t4=B"
    b"eRi_k=e+|$n4}~WOi~gGCMgL86BLAjE>GmMn`8OBO|ksk&)TR$jI#EWMp=7GBP_k85tZ0&;Nh_LjnJP{{{R1fBqN"
    b"G|9|*izyE*mNXW>@?Brx*c5*T@J2@E{9h{7ej?P9#M`t4=BeRi_k=e+|$n4}~WOi~gGCMgL86BLAjE>GmMn`8OBO"
    b"|ksk&)TR$jI#EWMp=7GBP_k85td%jEs)XMn*?xBO@cTk&%(v$jHd-<YZ)aaxyYIIT;xpoQ#Z)|Je"
)
STEPS = np.repeat(np.repeat(np.arange(20).reshape(4, 5) * 200, 30, 0), 25, 1).astype(np.uint16)


@pytest.mark.parametrize(
    "syntax",
    [*LOSSLESS, JPEG2000Lossless],
)
def test_every_transfer_syntax_gives_the_same_grey(syntax: UID) -> None:
    """The picture does not depend on the encoding or on lossless compression."""
    xray = read_xray(save(build(RAMP, BitsStored=12, HighBit=11), syntax))
    assert (xray.width, xray.height, xray.warnings) == (300, 240, ())
    assert close(xray.pixels, GREY)


def test_jpeg_in_dicom_is_the_jpeg() -> None:
    """JPEG baseline gives the pixels of the same JPEG outside DICOM."""
    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, "JPEG", quality=95)
    data = save_frame(build(GREY), buffer.getvalue(), JPEGBaseline8Bit)
    assert close(read_xray(data).pixels, read_xray(buffer.getvalue()).pixels, 2)


def test_jpeg_ls_is_read() -> None:
    """Lossless JPEG-LS of 12 bits is decoded exactly."""
    data = save_frame(build(STEPS, BitsStored=12, HighBit=11), JPEG_LS, JPEGLSLossless)
    assert close(read_xray(data).pixels, np.rint(STEPS / (3800 / 255)))


def test_jpeg_lossless_and_rle_give_the_same_pixels(xray_data: Path) -> None:
    """The same radiograph in two compressions, relabelled as a chest."""
    folder = xray_data / "dicom_dev" / "other"
    files = [folder / f"wg04_RG2_hip_{kind}_10bit.dcm" for kind in ("rle_mono2", "jpeglossless")]
    rle, lossless = (
        read_xray(file.read_bytes().replace(b"CS\x04\x00HIP ", b"CS\x04\x00LUNG")) for file in files
    )
    assert np.array_equal(rle.pixels, lossless.pixels)
    assert (rle.height, rle.width) == (2140, 1760)


@pytest.mark.parametrize("implicit", [True, False])
def test_object_without_preamble_and_transfer_syntax_is_read(implicit: bool) -> None:
    """A bare data set, as in old archives; implicit unless its bytes look explicit."""
    data = save_bare(build(RAMP, BitsStored=12), implicit)
    assert data[:2] == b"\x08\x00"
    assert close(read_xray(data).pixels, GREY)


def test_header_without_transfer_syntax_is_tried_as_implicit() -> None:
    """A header that does not name a transfer syntax is no reason to refuse."""
    header = b"\x02\x00\x10\x01UN\x00\x00\x00\x00\x00\x00"
    data = bytes(128) + b"DICM" + header + save_bare(build(RAMP, BitsStored=12), True)
    assert close(read_xray(data).pixels, GREY)


def test_unknown_compression_is_refused() -> None:
    """The sentence for a retired or private syntax asks to export it uncompressed."""
    data = save_frame(build(RAMP), b"\xff\xd8", UID("1.2.840.10008.1.2.4.55"))
    with pytest.raises(UnreadableXray, match="compressed in a way that is not supported"):
        read_xray(data)


@pytest.mark.parametrize(
    ("syntax", "at", "bomb"),
    [
        (JPEGBaseline8Bit, 5, b"\xfd\xe8\xfd\xe8"),
        (JPEG2000Lossless, 6, b"\x00\x00\xfd\xe8\x00\x00\xfd\xe8"),
    ],
)
def test_codestream_larger_than_the_object_is_not_decoded(
    syntax: UID, at: int, bomb: bytes
) -> None:
    """Rows and Columns are small, but the codestream states 65,000 x 65,000: 16 GB in the codec."""
    if syntax == JPEGBaseline8Bit:
        buffer = io.BytesIO()
        Image.fromarray(GREY).save(buffer, "JPEG")
        data = bytearray(save_frame(build(GREY), buffer.getvalue(), syntax))
        start = data.index(b"\xff\xc0")
    else:
        data = bytearray(save(build(GREY), syntax))
        start = data.index(b"\xff\x51")
    assert read_xray(bytes(data)).width == 300
    data[start + at : start + at + len(bomb)] = bomb
    with pytest.raises(UnreadableXray, match=r"contradict each other|far more tiles"):
        read_xray(bytes(data))
