"""`model.reading.dicom.header` through `read_xray`: accepted, or refused in one sentence."""

import csv
import logging
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
)

from model.reading.dicom.header import read_header
from model.reading.xray import MAX_PIXELS, UnreadableXray, read_xray
from tests.model.reading.dicom.ramp import GREY, RAMP, close, read
from tests.model.reading.dicom_objects import PATIENT, build, save


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
