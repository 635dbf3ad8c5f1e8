"""DICOM through `read_xray`: what a viewer shows, or one sentence without patient data."""

import base64
import csv
import io
import logging
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from model.reading.dicom.header import read_header
from model.reading.xray import MAX_PIXELS, UnreadableXray, read_xray
from tests.model.reading.dicom_objects import PATIENT, build, save, save_bare, save_frame

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

RAMP = np.tile(np.linspace(0, 4095, 300).round().astype(np.uint16), (240, 1))
"""300 wide, 240 high, 12 bits, dark at the left."""
GREY = (RAMP * (255 / 4095)).round().astype(np.uint8)


def close(grey: np.ndarray, expected: np.ndarray, levels: int = 1) -> bool:
    """Whether two pictures are the same except for rounding."""
    return grey.shape == expected.shape and bool(
        np.abs(grey.astype(int) - expected.astype(int)).max() <= levels
    )


def read(pixels: np.ndarray, **elements: Any) -> np.ndarray:
    """The grey of an object with these pixels and elements."""
    return read_xray(save(build(pixels, **elements))).pixels


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEG2000Lossless,
    ],
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


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_every_depth_becomes_eight_bits(bits: int) -> None:
    """Signed or unsigned, the range in use is mapped from black to white."""
    top = 2**bits - 1
    ramp = np.tile(np.linspace(0, top, 300).round().astype(np.int64), (240, 1))
    stored = ramp.astype(np.uint8 if bits == 8 else np.uint16)
    assert close(read(stored, BitsStored=bits, HighBit=bits - 1), GREY)
    signed = (ramp - 2 ** (bits - 1)).astype(np.int8 if bits == 8 else np.int16)
    assert close(read(signed, BitsStored=bits, HighBit=bits - 1), GREY)


def test_eight_bits_without_window_stay_as_they_are() -> None:
    """A secondary capture keeps its grey levels."""
    faint = GREY // 2 + 40
    captured = read(faint, SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")
    assert np.array_equal(captured, faint)


def test_monochrome1_is_inverted() -> None:
    """Low values are white; if the pixels do not show otherwise, the tag is used."""
    assert close(read(4095 - RAMP, PhotometricInterpretation="MONOCHROME1"), GREY)


def test_wrong_monochrome1_is_seen_in_the_pixels(samples: list[Path]) -> None:
    """A film is upright after reading, whether it was stored inverted or is only tagged so."""
    for sample in samples[::4]:
        upright = read_xray(sample.read_bytes()).pixels
        right = read_xray(save(build(255 - upright, PhotometricInterpretation="MONOCHROME1")))
        wrong = read_xray(save(build(upright, PhotometricInterpretation="MONOCHROME1")))
        assert np.array_equal(right.pixels, upright)
        assert np.array_equal(wrong.pixels, upright)
        assert not any("inverted" in warning for warning in right.warnings)
        assert any("inverted" in warning for warning in wrong.warnings)


def window_by_standard(values: np.ndarray, function: str) -> np.ndarray:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3 for centre 2,000 and width 1,000, as grey."""
    if function == "SIGMOID":
        return 255 / (1 + np.exp(-4 * (values - 2000.0) / 1000))
    if function == "LINEAR_EXACT":
        return np.clip((values - 2000.0) / 1000 + 0.5, 0, 1) * 255
    return np.clip((values - 1999.5) / 999 + 0.5, 0, 1) * 255


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_is_applied_as_the_standard_says(function: str | None) -> None:
    """The first of several windows; linear if the function is not named."""
    window: dict[str, Any] = {"WindowCenter": [2000, 40], "WindowWidth": [1000, 400]}
    grey = read(RAMP, **window, **({"VOILUTFunction": function} if function else {}))
    assert close(grey, window_by_standard(RAMP, function or "LINEAR"))


@pytest.mark.parametrize(
    "window",
    [
        {"WindowCenter": 2000, "WindowWidth": 0},
        {"WindowCenter": 2000},
        {"WindowCenter": 60_000, "WindowWidth": 100},
        {"WindowCenter": "", "WindowWidth": ""},
    ],
)
def test_window_that_shows_nothing_is_ignored(window: dict[str, Any]) -> None:
    """A window without width, incomplete or far from the values: the range in use is shown."""
    assert close(read(RAMP, **window), GREY)


def test_rescale_comes_before_the_window() -> None:
    """The window is in units of the rescaled value; a negative slope turns the scale around."""
    rescale = {"RescaleSlope": 0.5, "RescaleIntercept": 100, "RescaleType": "US"}
    grey = read(RAMP, **rescale, WindowCenter=1100, WindowWidth=500, VOILUTFunction="LINEAR_EXACT")
    assert close(grey, window_by_standard(RAMP, "LINEAR_EXACT"))
    assert close(read(RAMP, RescaleSlope=-1, RescaleIntercept=4095), 255 - GREY)


def table(entries: list[int], first: int, bits: int) -> Any:
    """The one item of a look-up table sequence."""
    item = build(np.zeros((1, 1), np.uint8))
    item.clear()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return [item]


@pytest.mark.parametrize("name", ["ModalityLUTSequence", "VOILUTSequence"])
@pytest.mark.parametrize(("bits", "top"), [(8, 255), (12, 4095), (16, 4095)])
def test_tables_of_any_depth_are_looked_up(name: str, bits: int, top: int) -> None:
    """4,096 entries of 8, 12 or (as often stated wrongly) 16 bits; here a square root."""
    entries = (np.sqrt(np.arange(4096) / 4095) * top).round().astype(int).tolist()
    grey = read(RAMP, **{name: table(entries, 0, bits)})
    assert close(grey, np.sqrt(RAMP / 4095) * 255, 2)


def test_values_outside_a_table_take_its_ends() -> None:
    """Values below and above the table take its first and last entry."""
    grey = read(RAMP, VOILUTSequence=table(list(range(1000)), 2000, 10))
    assert close(grey, np.clip((RAMP - 2000.0) / 999, 0, 1) * 255)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_cut_and_does_not_count_for_the_range(photometric: str) -> None:
    """Pixels outside the detector do not affect the greys inside."""
    padded = RAMP + 1000
    padded[:, :50] = 65_000
    grey = read(padded, PixelPaddingValue=65_000, PhotometricInterpretation=photometric)
    assert grey.shape[1] <= 250
    assert grey.max() == 255
    limited = read(padded, PixelPaddingValue=64_000, PixelPaddingRangeLimit=65_535)
    assert limited.shape[1] <= 250


def test_padding_inside_the_picture_is_black() -> None:
    """A hole in the detector is shown in black, not as the brightest bone."""
    padded = RAMP + 1000
    padded[100:120, 100:150] = 65_000
    assert read(padded, PixelPaddingValue=65_000)[100:120, 100:150].max() == 0


def test_padding_and_tables_of_an_implicit_object_are_used() -> None:
    """Its elements do not name the type of their numbers, and the picture is the same."""
    padded = RAMP + 1000
    padded[100:120, 100:150] = 65_000
    for elements in (
        {"PixelPaddingValue": 65_000},
        {"VOILUTSequence": table(np.arange(5096).tolist(), 0, 16), "PixelPaddingValue": 65_000},
    ):
        explicit, implicit = (
            read_xray(save(build(padded, **elements), syntax)).pixels
            for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        )
        assert explicit[100:120, 100:150].max() == 0
        assert np.array_equal(explicit, implicit)


def test_raw_detector_data_are_judged_with_a_warning() -> None:
    """Objects for processing look different from what the network learned: a warning says so."""
    for raw in (
        {"SOPClassUID": DigitalXRayImageStorageForProcessing},
        {"PresentationIntentType": "FOR PROCESSING"},
    ):
        assert "raw detector data" in " ".join(read_xray(save(build(RAMP, **raw))).warnings)


@pytest.mark.parametrize(
    "elements",
    [
        {"Modality": None, "SOPClassUID": None, "BodyPartExamined": None, "ViewPosition": None},
        {"Modality": "CR", "BodyPartExamined": "THORAX", "ViewPosition": "AP"},
        {"Modality": "RG", "BodyPartExamined": "PORT CHEST", "ViewPosition": ""},
        {"SamplesPerPixel": None, "PixelRepresentation": None, "NumberOfFrames": 1},
    ],
)
def test_what_is_not_said_is_not_guessed(elements: dict[str, Any]) -> None:
    """An image with missing, empty or unusual but plausible tags is accepted."""
    assert close(read(RAMP, **elements), GREY)


def view(meaning: str) -> Any:
    """A view code of digital radiography."""
    item = build(np.zeros((1, 1), np.uint8))
    item.clear()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "R-10236", "SRT", meaning
    return [item]


@pytest.mark.parametrize(
    ("elements", "sentence"),
    [
        ({"Modality": "CT"}, "is CT, not a chest X-ray"),
        ({"Modality": "SR"}, "is another kind of examination"),
        ({"Modality": None, "SOPClassUID": CTImageStorage}, "is another kind of examination"),
        ({"BodyPartExamined": "KNEE"}, "shows the knee, not the chest"),
        ({"ViewPosition": "LL"}, "lateral or oblique view"),
        ({"ViewPosition": "LATERAL"}, "lateral or oblique view"),
        ({"ViewPosition": None, "ViewCodeSequence": view("left lateral")}, "lateral or oblique"),
        ({"NumberOfFrames": 3}, "several frames"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "in colour"),
        ({"PhotometricInterpretation": "YBR_FULL_422"}, "in colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "in colour"),
        ({"PhotometricInterpretation": None}, "damaged or incomplete"),
        ({"PixelData": None}, "holds no image"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "8 to 16 bits"),
        ({"PixelData": None, "FloatPixelData": bytes(400)}, "8 to 16 bits"),
        ({"PixelData": bytes(500)}, "damaged or incomplete"),
        ({"Rows": None}, "damaged or incomplete"),
        ({"Rows": 50}, "at least 100 pixels"),
        ({"Rows": 20_000, "Columns": 20_000}, "more than the limit of 60 megapixels"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(
    elements: dict[str, Any], sentence: str
) -> None:
    """One sentence that names the reason and no patient data."""
    with pytest.raises(UnreadableXray, match=sentence) as raised:
        read(RAMP, **elements)
    message = str(raised.value)
    assert message.endswith(".")
    assert PATIENT not in message
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_unknown_compression_is_refused() -> None:
    """The sentence for a retired or private syntax asks to export it uncompressed."""
    data = save_frame(build(RAMP), b"\xff\xd8", UID("1.2.840.10008.1.2.4.55"))
    with pytest.raises(UnreadableXray, match="compressed in a way that is not supported"):
        read_xray(data)


def test_deflated_bomb_is_not_inflated() -> None:
    """A few KB that would inflate beyond the size of the largest X-ray are refused."""
    inflated = bytes(2 * 1_000_000 + 20 * 1024 * 1024)
    start = save(build(RAMP), DeflatedExplicitVRLittleEndian)
    header = start[: start.index(b"UI\x16\x001.2.840.10008.1.2.1.99") + 26]
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = header + compressor.compress(inflated) + compressor.flush()
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableXray, match="far more data than an X-ray needs"):
        read_xray(bomb, max_pixels=1_000_000)


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


def test_patient_data_is_neither_kept_nor_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Names are not even parsed, and the value of a broken element is not logged."""
    data = save(build(RAMP, BitsStored=12, WindowCenter=2000, WindowWidth=1000))
    assert PATIENT.encode() in data
    assert "DOE" not in str(read_header(data, MAX_PIXELS)[0])
    broken = data.replace(b"2000.0", b"DOE^JA")
    assert broken != data
    with caplog.at_level(logging.DEBUG):
        xray = read_xray(broken)  # by the range in use: a broken window refuses no picture
    assert "DOE" not in caplog.text + " ".join(xray.warnings) + "".join(capfd.readouterr())


def test_dev_objects_end_as_their_manifest_says(xray_data: Path, subtests: pytest.Subtests) -> None:
    """CR, DX and secondary capture of a chest are read; others are refused with the reason."""
    folder = xray_data / "dicom_dev"
    with (folder / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        with subtests.test(row["file"]):
            data = (folder / row["file"]).read_bytes()
            if row["modality"] in ("CR", "DX") and row["body"] in ("", "CHEST"):
                xray = read_xray(data)
                assert (xray.height, xray.width) == (int(row["rows"]), int(row["cols"]))
                panorama = "teeth" in row["file"]  # of a jaw: narrow without its black border
                assert [w for w in xray.warnings if not (panorama and "narrow" in w)] == []
                continue
            reason = {"CT": "is CT", "SR": "no image", "US": "is ultrasound", "OT": "in colour"}
            with pytest.raises(UnreadableXray, match=reason.get(row["modality"], "the hip")):
                read_xray(data)


def test_real_chest_films_come_out_upright(xray_data: Path) -> None:
    """MONOCHROME1 and MONOCHROME2 alike: the spine is brighter than the upper corners."""
    for path in sorted((xray_data / "dicom_dev" / "chest").glob("*.dcm")):
        pixels = read_xray(path.read_bytes()).pixels
        height, width = pixels.shape
        middle = pixels[height // 4 : height // 2, 9 * width // 20 : 11 * width // 20].mean()
        corners = pixels[: height // 12, np.r_[: width // 12, -(width // 12) : 0]].mean()
        assert middle > corners + 20, path.name


def test_malformed_objects_are_refused_in_one_sentence(
    xray_data: Path, subtests: pytest.Subtests
) -> None:
    """None is a chest X-ray; each is refused in one sentence that says why."""
    for path in sorted((xray_data / "malformed_dev" / "dicom_bad").iterdir()):
        with (
            subtests.test(path.name),
            pytest.raises(UnreadableXray, match=r"^(The DICOM|The pixels|This is not a).*\.$"),
        ):
            read_xray(path.read_bytes())
