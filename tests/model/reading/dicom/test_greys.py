"""`model.reading.dicom.greys` through `read_xray`: the greys that a viewer shows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    DigitalXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from model.reading.xray import read_xray
from tests.model.reading.dicom.ramp import GREY, RAMP, close, read
from tests.model.reading.dicom_objects import build, save


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


def test_real_chest_films_come_out_upright(xray_data: Path) -> None:
    """MONOCHROME1 and MONOCHROME2 alike: the spine is brighter than the upper corners."""
    for path in sorted((xray_data / "dicom_dev" / "chest").glob("*.dcm")):
        pixels = read_xray(path.read_bytes()).pixels
        height, width = pixels.shape
        middle = pixels[height // 4 : height // 2, 9 * width // 20 : 11 * width // 20].mean()
        corners = pixels[: height // 12, np.r_[: width // 12, -(width // 12) : 0]].mean()
        assert middle > corners + 20, path.name
