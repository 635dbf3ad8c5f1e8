"""`model.reading.xray`: every file becomes grey pixels or one sentence."""

import csv
import io
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.reading.dataset import LabelledXray, load_inputs
from model.reading.limits import LARGE_PIXELS, one_if_large
from model.reading.xray import (
    UnreadableXray,
    XrayImage,
    encode_preview,
    model_input,
    read_xray,
    squash,
)
from tests.model.reading.dicom_objects import build, save


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
    """Grey, colour, palette, alpha, 16 bits and CMYK give the same picture."""
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
    """Transparent pixels count as outside the exposed field, whatever their colour."""
    covered = ramp.convert("RGBA")
    covered.putalpha(
        Image.fromarray(np.tile(np.repeat(np.array([255, 0], np.uint8), 150), (200, 1)))
    )
    assert np.array_equal(read_xray(encode(covered)).pixels, np.asarray(ramp)[:, :150])


def test_exif_orientation_turns_the_picture(ramp: Image.Image) -> None:
    """A photo of a film that was taken sideways is analysed upright."""
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise to show
    pixels = read_xray(encode(ramp, "JPEG", exif=exif)).pixels
    assert pixels.shape == (300, 200)
    assert pixels[-1].mean() > pixels[0].mean() + 100


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 16])
def test_orientation_turns_every_depth(ramp: Image.Image, kind: str, bits: int) -> None:
    """In PNG and TIFF as in JPEG, with 8 or 16 bits, the tag is applied exactly once."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = ramp if bits == 8 else Image.fromarray(np.asarray(ramp).astype(np.uint16) * 257)
    pixels = read_xray(encode(stored, kind, exif=exif)).pixels
    assert np.array_equal(pixels, np.rot90(np.asarray(ramp), -1))


def tiff(values: np.ndarray, photometric: int, order: str = "<") -> bytes:
    """An uncompressed one-strip TIFF of the values, in either byte order."""
    height, width = values.shape
    bits = 8 * values.dtype.itemsize
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    sample_format = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8)]
    tags += [(277, 1), (278, height), (279, len(data)), (339, sample_format)]
    entries = b"".join(struct.pack(f"{order}HHLL", tag, 4, 1, value) for tag, value in tags)
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", 8 + len(data))
    return header + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_every_grey_tiff_is_read(
    ramp: Image.Image, kind: str, photometric: int, order: str
) -> None:
    """8 and 16 bits and floating point, both byte orders, with 0 as black or as white."""
    grey = np.asarray(ramp)
    shown = grey if photometric == 1 else 255 - grey
    scale = {"u1": 1, "u2": 16, "f4": 1 / 255}[kind]
    data = tiff((shown.astype(float) * scale).astype(kind), photometric, order)
    assert np.abs(read_xray(data).pixels.astype(int) - grey).max() <= 1


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"])
def test_compressed_tiff_is_read(ramp: Image.Image, compression: str) -> None:
    """All compressions that Pillow's libtiff supports are read."""
    stored = ramp.convert("1") if compression == "group4" else ramp
    pixels = read_xray(encode(stored, "TIFF", compression=compression)).pixels
    assert pixels[:, 200:].mean() > pixels[:, :100].mean() + 100


def test_values_that_are_no_numbers_do_not_count(ramp: Image.Image) -> None:
    """NaN becomes black, and infinite values the ends of the range."""
    values = np.asarray(ramp, np.float32).copy()
    values[100:110], values[110:120], values[120:130] = np.nan, np.inf, -np.inf
    pixels = read_xray(tiff(values, 1)).pixels
    assert np.array_equal(pixels[:100], np.asarray(ramp)[:100])
    holes = (pixels[100:110].max(), pixels[110:120].min(), pixels[120:130].max())
    assert holes == (0, 255, 0)


def test_several_pages_are_refused_but_not_reduced_copies(ramp: Image.Image) -> None:
    """One file, one X-ray; a thumbnail that a scanner added does not count as a page."""
    two = encode(ramp, "TIFF", save_all=True, append_images=[ramp])
    with pytest.raises(UnreadableXray, match="several pages; send each X-ray as a file of its own"):
        read_xray(two)
    thumbnail = ramp.resize((30, 20))
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    copied = encode(ramp, "TIFF", save_all=True, append_images=[thumbnail])
    assert np.array_equal(read_xray(copied).pixels, np.asarray(ramp))


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
def test_unusable_files_are_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    """The sender learns what is wrong and what to do."""
    with pytest.raises(UnreadableXray, match=sentence) as raised:
        read_xray(data)
    assert str(raised.value).endswith(".")
    assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize(
    ("side", "sentence"), [(8_000, "8000 x 8000 pixels, more"), (20_000, "far more pixels")]
)
def test_pixel_bomb_is_refused_before_it_is_decoded(side: int, sentence: str) -> None:
    """A small file that states 64 or 400 megapixels is refused without allocating them."""
    with pytest.raises(UnreadableXray, match=f"{sentence} than the limit of 60 megapixels"):
        read_xray(encode(Image.new("1", (side, side))))


PEAK = """
import resource, sys
from model.reading.xray import read_xray
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read_xray(data)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is in other units elsewhere")
@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_large_images_take_little_more_than_their_pixels(mode: str) -> None:
    """Peak memory is at most eight bytes a pixel; whole images between the steps took 19."""
    side = 3000
    grey = Image.linear_gradient("L").resize((side, side))
    stored = (
        grey.convert("RGBA")
        if mode == "RGBA"
        else Image.fromarray(np.asarray(grey) * np.uint16(16))
    )
    done = subprocess.run(
        [sys.executable, "-c", PEAK],
        input=encode(stored, compress_level=1),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert int(done.stdout) * 1024 < 8 * side * side


def test_large_images_wait_for_each_other() -> None:
    """Decodes of more than 10 megapixels are serialised; smaller ones never wait."""
    entered = {"large": threading.Event(), "small": threading.Event()}

    def decode(name: str, pixels: int) -> None:
        with one_if_large(pixels, 1):
            entered[name].set()

    threads = [
        threading.Thread(target=decode, args=("large", LARGE_PIXELS + 1)),
        threading.Thread(target=decode, args=("small", LARGE_PIXELS)),
    ]
    with one_if_large(LARGE_PIXELS + 1, 1):
        for thread in threads:
            thread.start()
        assert entered["small"].wait(10)
        assert not entered["large"].wait(0.2)
    assert entered["large"].wait(10)
    for thread in threads:
        thread.join()


def test_warnings_name_what_a_reader_should_check() -> None:
    """A small, narrow, faint picture is analysed, with a warning for each."""
    faint = Image.radial_gradient("L").resize((600, 150)).point(lambda value: 100 + value // 8)
    warnings = " ".join(read_xray(encode(faint)).warnings)
    assert "small" in warnings
    assert "narrow" in warnings
    assert "contrast" in warnings


def test_model_input_is_the_contract() -> None:
    """(224, 224, 1) float32 from 0 to 255, squashed; a sixteenth is left out at each edge."""
    xray = XrayImage(np.tile(np.arange(256, dtype=np.uint8), (500, 1)), 256, 500, ())
    for image, low, high in ((squash(xray), 0, 255), (model_input(xray), 16, 239)):
        assert image.shape == (224, 224, 1)
        assert image.dtype == np.float32
        assert image.min() == pytest.approx(low, abs=1)
        assert image.max() == pytest.approx(high, abs=1)


@pytest.mark.parametrize(
    "encoded",
    [
        lambda grey: encode(Image.fromarray(grey), "JPEG", quality=90),
        lambda grey: encode(Image.fromarray(grey), compress_level=1),
        lambda grey: save(build(grey)),
    ],
    ids=["JPEG", "PNG", "DICOM"],
)
def test_training_sees_what_serving_sees(
    samples: list[Path], tmp_path: Path, encoded: Callable[[np.ndarray], bytes]
) -> None:
    """The same bytes give the same array both ways, even from a JPEG decoded at a fraction."""
    with Image.open(samples[0]) as image:
        data = encoded(np.asarray(image.convert("L").resize((2400, 1800))))
    path = tmp_path / "xray"
    path.write_bytes(data)
    pair = [LabelledXray(path, f"patient {label}", label) for label in (0, 1)]
    trained, _, unreadable = load_inputs(pair, model_input)
    assert not unreadable
    assert np.array_equal(trained[0].astype(np.float32), model_input(read_xray(data)))


def test_preview_holds_pixels_alone(ramp: Image.Image) -> None:
    """No metadata of the original is in the preview."""
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
    """An upload at full size matches its 224 px training file to 4 grey levels."""
    for original in sorted((xray_data / "kermany_originals").glob("*/*"))[::8]:
        small = xray_data / "kermany224" / "train" / original.parent.name / original.name
        expected = squash(read_xray(small.read_bytes()))
        got = squash(read_xray(original.read_bytes()))
        assert np.abs(got - expected).mean() < 4
