"""`model.xray`: every kind of file becomes grey pixels or one sentence."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.xray import UnreadableXray, Xray, encode_preview, model_input, read_xray, squash


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def ramp() -> Image.Image:
    """A grey picture, 300 wide and 200 high, dark at the left and bright at the right."""
    row = np.linspace(0, 255, 300).round().astype(np.uint8)
    return Image.fromarray(np.tile(row, (200, 1)))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "I;16", "CMYK"])
def test_every_mode_gives_the_same_grey(ramp: Image.Image, mode: str) -> None:
    """A picture stored as grey, colour, palette, with alpha, 16-bit or CMYK is read alike."""
    if mode == "I;16":
        stored = Image.fromarray(np.asarray(ramp).astype(np.uint16) * 16)  # 12 of 16 bits
    else:
        stored = ramp.convert(mode)
    data = encode(stored, "JPEG", quality=95) if mode == "CMYK" else encode(stored)
    xray = read_xray(data)
    assert xray.pixels.dtype == np.uint8
    assert xray.pixels.shape == (200, 300)
    tolerance = {"P": 12, "CMYK": 12}.get(mode, 1)  # 216 colours; JPEG of four inks
    difference = np.abs(xray.pixels.astype(int) - np.asarray(ramp))
    assert np.percentile(difference, 99) <= tolerance


def test_transparent_parts_are_black(ramp: Image.Image) -> None:
    """What is transparent lies outside the field, whatever colour hides below it."""
    covered = ramp.convert("RGBA")
    covered.putalpha(
        Image.fromarray(np.tile(np.repeat(np.array([255, 0], np.uint8), 150), (200, 1)))
    )
    assert read_xray(encode(covered)).pixels[:, 150:].max() == 0


def test_exif_orientation_turns_the_picture(ramp: Image.Image) -> None:
    """A photo of a film that was taken sideways is judged upright."""
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise to show
    pixels = read_xray(encode(ramp, "JPEG", exif=exif)).pixels
    assert pixels.shape == (300, 200)
    assert pixels[-1].mean() > pixels[0].mean() + 100


def test_large_jpeg_is_decoded_smaller_but_reports_its_size(ramp: Image.Image) -> None:
    """Decoding at a fraction saves time, and is never below what the preview needs."""
    xray = read_xray(encode(ramp.resize((6000, 4000)), "JPEG"))
    assert (xray.width, xray.height) == (6000, 4000)
    assert 1024 <= xray.pixels.shape[1] < 6000


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a JPEG, PNG, TIFF or DICOM"),
        (b"hello, this is a text called xray.jpg", "not a JPEG, PNG, TIFF or DICOM"),
        (encode(Image.new("L", (300, 300), 7)), "blank"),
        (encode(Image.radial_gradient("L").resize((99, 300))), "at least 100 pixels"),
        (encode(Image.radial_gradient("L"), "GIF"), "not a JPEG, PNG, TIFF or DICOM"),
        (encode(Image.radial_gradient("L"), "JPEG")[:-1500], "damaged or incomplete"),
        (encode(Image.radial_gradient("L"))[:2000], "damaged or incomplete"),
    ],
)
def test_unusable_files_are_told_in_one_sentence(data: bytes, sentence: str) -> None:
    """Whoever sent it learns what is wrong and what to do."""
    with pytest.raises(UnreadableXray, match=sentence) as raised:
        read_xray(data)
    assert str(raised.value).endswith(".")
    assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize(
    ("side", "sentence"), [(8_000, "8000 x 8000 pixels, more"), (20_000, "far more pixels")]
)
def test_pixel_bomb_is_refused_before_it_is_decoded(side: int, sentence: str) -> None:
    """A small file of 64 or 400 megapixels costs no memory."""
    with pytest.raises(UnreadableXray, match=f"{sentence} than the limit of 60 megapixels"):
        read_xray(encode(Image.new("1", (side, side))))


def test_warnings_name_what_a_reader_should_check() -> None:
    """A small, narrow, faint picture is judged, and said to be so."""
    faint = Image.radial_gradient("L").resize((600, 150)).point(lambda value: 100 + value // 8)
    warnings = " ".join(read_xray(encode(faint)).warnings)
    assert "small" in warnings
    assert "narrow" in warnings
    assert "contrast" in warnings


def test_model_input_is_the_contract() -> None:
    """(224, 224, 1) float32 from 0 to 255, squashed; a sixteenth is left out at each edge."""
    xray = Xray(np.tile(np.arange(256, dtype=np.uint8), (500, 1)), 256, 500, ())
    for image, low, high in ((squash(xray), 0, 255), (model_input(xray), 16, 239)):
        assert image.shape == (224, 224, 1)
        assert image.dtype == np.float32
        assert image.min() == pytest.approx(low, abs=1)
        assert image.max() == pytest.approx(high, abs=1)


def test_preview_holds_pixels_alone(ramp: Image.Image) -> None:
    """No name, date or place of the original survives in the preview."""
    exif = Image.Exif()
    exif[0x010E] = "DOE^JANE 1.2.1990"
    secret = encode(ramp.resize((2000, 1500)), "JPEG", exif=exif, comment=b"DOE^JANE")
    preview = encode_preview(read_xray(secret))
    assert b"DOE" not in preview
    with Image.open(io.BytesIO(preview)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == 1024
        assert not image.getexif()


def test_malformed_files_give_an_answer_or_one_sentence(xray_data: Path) -> None:
    """Broken, odd and hostile files never raise anything but UnreadableXray."""
    folder = xray_data / "malformed_dev"
    with (folder / "manifest.csv").open() as file:
        names = [row["file"] for row in csv.DictReader(file)]
    outcomes = {"read": 0, "refused": 0}
    for name in names:
        try:
            read_xray((folder / name).read_bytes())
            outcomes["read"] += 1
        except UnreadableXray:
            outcomes["refused"] += 1
    assert sum(outcomes.values()) == len(names) > 400
    assert min(outcomes.values()) > 10


def test_originals_match_the_training_files(xray_data: Path) -> None:
    """An upload at full size becomes what the network was trained on, to 4 grey levels."""
    for original in sorted((xray_data / "kermany_originals").glob("*/*"))[::8]:
        small = xray_data / "kermany224" / "train" / original.parent.name / original.name
        expected = squash(read_xray(small.read_bytes()))
        got = squash(read_xray(original.read_bytes()))
        assert np.abs(got - expected).mean() < 4
