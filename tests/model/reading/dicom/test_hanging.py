"""One film in the many encodings that devices use: each gives the same picture."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from model.reading.upright import warn_of_hanging
from model.reading.xray import UnreadableXray, XrayImage, read_xray
from model.serving.predictor import Predictor
from tests.model.reading.dicom_objects import build, save

REFUSED = {"03_truncated_60_percent.dcm": "damaged or incomplete", "10_twelve_bit.jpg": "12-bit"}
CUT = "05_viewer_screenshot.png"


def difference(one: XrayImage, other: XrayImage) -> float:
    """Mean difference in grey levels of two pictures at one size."""
    small = [
        np.asarray(Image.fromarray(x.pixels).resize((224, 224)), np.float32) for x in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())


def test_every_file_of_the_folder_is_read_as_it_was_meant(
    xray_data: Path, predictor: Predictor, subtests: pytest.Subtests
) -> None:
    """Each has the probability and picture of the reference, or is refused for the right reason."""
    folder = xray_data / "hanging"
    with (folder / "manifest.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    reference = read_xray((folder / "00_reference.dcm").read_bytes())
    probability = predictor.predict(reference).probability
    for name in names:
        with subtests.test(name):
            data = (folder / name).read_bytes()
            if name in REFUSED:
                with pytest.raises(UnreadableXray, match=REFUSED[name]):
                    read_xray(data)
                continue
            xray = read_xray(data)
            assert predictor.predict(xray).probability == pytest.approx(probability, abs=0.05)
            # The aspect file is of a slightly larger crop of the film than the others.
            assert difference(xray, reference) < 16
            assert xray.warnings == () or name == CUT


FILM = np.arange(240 * 300, dtype=np.uint16).reshape(240, 300) % 4093
SHAPE = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2048, "WindowWidth": 4096}


def read(pixels: np.ndarray, **elements: Any) -> np.ndarray:
    """The grey of an object with these pixels and elements."""
    return read_xray(save(build(pixels, **{**SHAPE, **elements}))).pixels


PLAIN = read(FILM)


@pytest.mark.parametrize(
    ("stored", "orientation"),
    [
        (FILM, ["L", "F"]),
        (FILM[:, ::-1], ["R", "F"]),
        (FILM[::-1], ["L", "H"]),
        (FILM[::-1, ::-1], ["R", "H"]),
        (FILM.T, ["F", "L"]),
        (FILM.T[:, ::-1], ["H", "L"]),
        (FILM.T[::-1], ["F", "R"]),
        (FILM.T[::-1, ::-1], ["HL", "RA"]),
        (FILM, ["X", "?"]),
    ],
)
def test_patient_orientation_turns_and_mirrors(stored: np.ndarray, orientation: list[str]) -> None:
    """However it was stored, the head is up and the patient's left is on the right."""
    assert np.array_equal(read(np.ascontiguousarray(stored), PatientOrientation=orientation), PLAIN)


def test_left_justified_values_and_overlay_bits() -> None:
    """High Bit shifts values down, bits above it are overlays, and a wrong High Bit is detected."""
    assert np.array_equal(read(FILM << 4, HighBit=15), PLAIN)
    overlay = FILM | np.where(np.arange(300) % 7 == 0, 0x8000, 0).astype(np.uint16)
    assert np.array_equal(read(overlay), PLAIN)
    assert np.array_equal(read(FILM, HighBit=15), PLAIN)


def test_inverse_presentation_is_inverted_once() -> None:
    """INVERSE with either photometric interpretation means the same negative."""
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        elements = {"PhotometricInterpretation": photometric, "PresentationLUTShape": "INVERSE"}
        assert np.array_equal(read(4095 - FILM, **elements), PLAIN)


@pytest.mark.parametrize("element", ["PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"])
def test_pixels_become_square(element: str) -> None:
    """Pixels twice as high as wide make the picture twice as high."""
    height, width = read(FILM, **{element: [2, 1]}).shape
    assert height / width == pytest.approx(2 * 240 / 300, rel=0.01)


@pytest.mark.parametrize(
    "elements",
    [
        {"BodyPartExamined": "THORAX"},
        {"BodyPartExamined": "BRUST"},
        {"BodyPartExamined": ""},
        {"Modality": "XR"},
        {"NumberOfFrames": ""},
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"WindowWidth": [4096, 100], "WindowCenter": [2048, 50]},
        {"PatientOrientation": ""},
    ],
)
def test_optional_elements_never_veto(elements: dict[str, Any]) -> None:
    """Empty, foreign and useless values change nothing and cause no warning."""
    xray = read_xray(save(build(FILM, **{**SHAPE, **elements})))
    assert np.array_equal(xray.pixels, PLAIN)
    assert not any("DICOM" in warning for warning in xray.warnings)


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": b"2048,0", "WindowWidth": b"4096,0 "},
        {"WindowCenter": b"NaN\\2048 ", "WindowWidth": b"inf\\4096 "},
        {"WindowCenter": b"NaN\\2048 ", "WindowWidth": b"100\\4096"},
        {"WindowCenter": b"2048", "WindowWidth": b"4096\\\0"},
        {"RescaleSlope": b"1,0 ", "RescaleIntercept": b"- "},
        {"RescaleSlope": b"NaN ", "RescaleIntercept": b"1e999 "},
    ],
)
def test_numbers_as_devices_write_them(elements: dict[str, bytes]) -> None:
    """With decimal commas, infinities and text, the usable window or slope is applied."""
    dataset = build(FILM, **SHAPE)
    for keyword, value in elements.items():
        tag = Tag(keyword)
        dataset[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)
    xray = read_xray(save(dataset))
    assert np.array_equal(xray.pixels, PLAIN)
    assert not any("DICOM" in warning for warning in xray.warnings)


@pytest.mark.parametrize("elements", [{"BodyPartExamined": "RODILLA"}, {"Modality": "ZZ"}])
def test_unknown_words_are_a_warning(elements: dict[str, Any]) -> None:
    """Images with unknown terms are analysed, and a warning asks to check."""
    xray = read_xray(save(build(FILM, **{**SHAPE, **elements})))
    assert any("not known" in warning for warning in xray.warnings)


@pytest.mark.parametrize("word", ["SEITLICH", "PROFIL", "PERFIL", "LATERALE", "ZIJDELINGS"])
def test_lateral_in_any_language(word: str) -> None:
    """As a view position it is refused; in a description, which is free text, it is a warning."""
    with pytest.raises(UnreadableXray, match="lateral"):
        read(FILM, ViewPosition=word)
    xray = read_xray(save(build(FILM, **SHAPE, ViewPosition="", SeriesDescription=f"RX {word}")))
    assert any("lateral" in warning for warning in xray.warnings)
    both = read_xray(save(build(FILM, **SHAPE, SeriesDescription=f"RX PA + {word}")))
    assert not any("lateral" in warning for warning in both.warnings)


def code(value: str) -> Any:
    """The one item of a code sequence."""
    item = build(np.zeros((1, 1), np.uint8))
    item.clear()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", ""
    return [item]


def test_codes_are_known() -> None:
    """Codes for lateral views or other regions are refused; frontal and thorax are accepted."""
    with pytest.raises(UnreadableXray, match="lateral"):
        read(FILM, ViewCodeSequence=code("399067008"))
    with pytest.raises(UnreadableXray, match="not the chest"):
        read(FILM, BodyPartExamined="", AnatomicRegionSequence=code("72696002"))
    right = {"ViewCodeSequence": code("399348003"), "AnatomicRegionSequence": code("51185008")}
    assert np.array_equal(read(FILM, **right), PLAIN)


def test_marker_does_not_blacken_a_film() -> None:
    """One value far above all others becomes white and does not compress the film's greys."""
    marked = FILM.copy()
    marked[10:15, 10:15] = 65_535
    plain = read_xray(save(build(FILM, BitsStored=16))).pixels
    seen = read_xray(save(build(marked, BitsStored=16))).pixels
    assert np.abs(seen[20:].astype(int) - plain[20:]).max() <= 2


def test_wrong_hanging_is_named(samples: list[Path]) -> None:
    """Upright films get no warning; negatives and films that are rotated get one."""
    named = {"negative": 0, "turned": 0}
    for sample in samples:
        pixels = read_xray(sample.read_bytes()).pixels
        assert warn_of_hanging(pixels) == ()
        named["negative"] += "negative" in "".join(warn_of_hanging(255 - pixels))
        named["turned"] += "turned" in "".join(warn_of_hanging(np.rot90(pixels)))
    assert min(named.values()) >= 12


def test_sixteen_bit_colour_keeps_its_depth(xray_data: Path) -> None:
    """48-bit colour, 16-bit grey with alpha and 16-bit grey give the same picture."""
    folder = xray_data / "hanging"
    grey = read_xray((folder / "07_grey16_14bit_reference.png").read_bytes())
    colour = read_xray((folder / "07_rgb48_14bit.png").read_bytes())
    assert np.abs(grey.pixels.astype(int) - colour.pixels).max() <= 1


def test_damaged_picture_is_not_called_another_kind() -> None:
    """A PNG with a broken header counts as damaged, not as "no PNG"."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[12:16] = b"XHDR"
    with pytest.raises(UnreadableXray, match="damaged or incomplete"):
        read_xray(bytes(data))
