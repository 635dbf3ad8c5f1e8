"""`model.reading.full_film`: the film at full depth shows what the preview was made from."""

import io
import json
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import JPEG2000Lossless, RLELossless

from model.reading.full_film import CHUNK, FullFilm, draw_line, encode_film
from model.reading.xray import read_xray
from tests.model.reading.dicom.ramp import RAMP
from tests.model.reading.dicom_objects import build, save


def film(bits: int) -> np.ndarray:
    """Slanted ramps that fill so many bits, (240, 300) uint16: no edge is of one level."""
    slanted = (RAMP.astype(np.int64) + 37 * np.arange(240)[:, None]) % 4096
    return (slanted * ((1 << bits) - 1) // 4095).astype(np.uint16)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def full_of(data: bytes) -> FullFilm:
    """The film at full depth of a file; its table gives exactly the greys that were analysed."""
    xray = read_xray(data)
    assert xray.full is not None
    full = xray.full()
    if full.values.shape == xray.pixels.shape:
        assert np.array_equal(full.table[full.values], xray.pixels)
    return full


def chunks(png: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG, each with a correct checksum."""
    found, at = {}, 8
    while at < len(png):
        length, name = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + length]
        assert int.from_bytes(png[at + 8 + length : at + 12 + length]) == zlib.crc32(name + body)
        found[name] = body
        at += 12 + length
    return found


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_png_is_lossless_and_holds_numbers_alone(depth: type[np.unsignedinteger[Any]]) -> None:
    """Any reader of PNG gets the values; the numbers are in one chunk, and there is no other."""
    values = np.random.default_rng(0).integers(0, np.iinfo(depth).max, (50, 70)).astype(depth)
    table = np.arange(int(values.max()) + 1).astype(np.uint8)
    png = encode_film(FullFilm(values, table, 10.5, 99.0, 0.143, "detector"))
    with Image.open(io.BytesIO(png)) as image:
        assert np.array_equal(np.asarray(image), values)
        assert image.info == {}
    found = chunks(png)
    assert list(found) == [b"IHDR", CHUNK, b"IDAT", b"IEND"]
    numbers, _, greys = zlib.decompress(found[CHUNK]).partition(b"\n")
    assert json.loads(numbers) == {
        **{"low": 10.5, "high": 99.0},
        **{"spacing": 0.143, "kind": "detector"},
    }
    assert np.array_equal(np.frombuffer(greys, np.uint8), table)


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"WindowCenter": 1500, "WindowWidth": 2000},
        {"WindowCenter": 1500, "WindowWidth": 2000, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 3000, "WindowWidth": 4000, "RescaleSlope": 2, "RescaleIntercept": -50},
        {"PixelPaddingValue": 0},
        {"PatientOrientation": ["R", "F"]},
        {"PatientOrientation": ["L", "H"], "WindowCenter": 2000, "WindowWidth": 1000},
    ],
    ids=["no window", "window", "sigmoid", "rescaled", "padding", "mirrored", "upside down"],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("signed", [False, True])
def test_dicom_at_full_depth_shows_the_same_greys(
    photometric: str, elements: dict[str, Any], signed: bool
) -> None:
    """Of every photometric interpretation, window and orientation; none of its values is lost."""
    deep = film(12).astype(np.int16 if signed else np.uint16)
    if photometric == "MONOCHROME1":
        deep = (4095 - deep).astype(deep.dtype)
    full = full_of(save(build(deep, PhotometricInterpretation=photometric, **elements)))
    assert len(np.unique(full.values)) >= 0.95 * len(np.unique(deep))
    assert (np.diff(full.table.astype(int)) >= 0).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=["RLE", "JPEG 2000"])
def test_compressed_dicom_keeps_its_depth(syntax: Any) -> None:
    """As uncompressed."""
    deep = film(12).astype(np.uint16)
    plain = full_of(save(build(deep)))
    assert np.array_equal(full_of(save(build(deep), syntax)).values, plain.values)


def test_window_is_known_as_two_values() -> None:
    """From where it begins to where it ends, to a grey level, in the values of the film."""
    full = full_of(save(build(film(12).astype(np.uint16), WindowCenter=1500, WindowWidth=2000)))
    shift = int(film(12).min())
    assert full.low == pytest.approx(500 - shift, abs=2000 / 255)
    assert full.high == pytest.approx(2500 - shift, abs=2000 / 255)


def test_line_of_an_odd_table_is_finite_and_rises() -> None:
    """One value, one step, a table that never reaches black or white."""
    for table in ([7], [7, 7], [0, 255], [0, 0, 255, 255], range(40, 90), [0, 9, 3, 250]):
        low, high = draw_line(np.array(table, np.uint8))
        assert np.isfinite([low, high]).all()
        assert low < high


def test_sixteen_bits_of_a_png_are_kept() -> None:
    """Whatever range is in use; a TIFF in which white is 0 is inverted."""
    deep = (film(16) // 3 + 1000).astype(np.uint16)
    full = full_of(encode(Image.fromarray(deep)))
    assert np.array_equal(full.values, deep - deep.min())
    inverted = full_of(encode(Image.fromarray(deep), "TIFF", tiffinfo={262: 0}))
    assert np.array_equal(inverted.values, deep.max() - deep)


def test_large_jpeg_keeps_its_resolution() -> None:
    """The preview is made from a smaller decode, the film is not; an Exif tag turns both."""
    big = Image.fromarray(film(8).astype(np.uint8)).resize((4200, 2400))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(big, "JPEG", quality=95, exif=exif)
    xray = read_xray(data)
    assert xray.full is not None
    full = xray.full()
    assert full.values.shape == (4200, 2400) > xray.pixels.shape
    with Image.open(io.BytesIO(data)) as image:
        expected = np.rot90(np.asarray(image.convert("L")), -1)
    assert np.array_equal(full.values, expected)


def test_border_is_cut_off_at_full_resolution_too() -> None:
    """Film and preview show the same part of the file, so a heat map fits both."""
    framed = np.full((2600, 3400), 250, np.uint8)
    framed[200:2400, 300:3100] = np.asarray(
        Image.fromarray(film(8).astype(np.uint8)).resize((2800, 2200))
    )
    xray = read_xray(encode(Image.fromarray(framed), "JPEG", quality=95))
    assert xray.full is not None
    assert xray.full().values.shape == pytest.approx((2200, 2800), abs=8)


def test_colour_and_transparency_are_shown_as_before() -> None:
    """What has no greater depth in grey is the picture that was analysed."""
    grey = Image.fromarray(film(8).astype(np.uint8))
    for image in (grey.convert("RGBA"), grey.convert("P"), grey.convert("RGB")):
        full = full_of(encode(image))
        assert full.values.dtype == np.uint8
        assert (full.low, full.high, full.spacing) == (0.0, 255.0, None)


@pytest.mark.parametrize(
    ("elements", "spacing", "kind"),
    [
        ({}, None, "unstated"),
        ({"ImagerPixelSpacing": [0.14, 0.14]}, 0.14, "detector"),
        ({"PixelSpacing": [0.14, 0.14]}, 0.14, "unstated"),
        ({"ImagerPixelSpacing": [0.14, 0.14], "PixelSpacing": [0.14, 0.14]}, 0.14, "detector"),
        ({"ImagerPixelSpacing": [0.14, 0.14], "PixelSpacing": [0.13, 0.13]}, 0.13, "calibrated"),
        (
            {"PixelSpacing": [0.14, 0.14], "PixelSpacingCalibrationType": "FIDUCIAL"},
            *(0.14, "calibrated"),
        ),
        ({"ImagerPixelSpacing": [0.1, 0.4]}, 0.2, "detector"),
        ({"ImagerPixelSpacing": [0.0, 0.14]}, None, "unstated"),
        ({"PixelSpacing": [140, 140]}, None, "unstated"),
    ],
)
def test_millimetres_and_what_they_are_true_of(
    elements: dict[str, Any], spacing: float | None, kind: str
) -> None:
    """The detector's are no patient's; a pixel that is made square keeps its area."""
    make = read_xray(save(build(film(12).astype(np.uint16), **elements))).full
    assert make is not None
    full = make()
    assert full.spacing == (pytest.approx(spacing) if spacing else None)
    assert full.spacing_kind == kind
