"""`model.reading.xray`: every file becomes grey pixels or one sentence."""

import csv
import io
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
from tests.model.reading.encoding import encode


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


@pytest.mark.parametrize("longer", [1100, 1500, 2000])
def test_preview_is_as_sharp_as_an_exact_resampling(samples: list[Path], longer: int) -> None:
    """Within 36 dB of Lanczos before encoding at the same quality, on a real X-ray."""
    with Image.open(samples[0]) as opened:
        film = opened.convert("L")
    scale = longer / max(film.size)
    film = film.resize((round(film.width * scale), round(film.height * scale)))
    pixels = np.asarray(film)
    with Image.open(io.BytesIO(encode_preview(XrayImage(pixels, *film.size, ())))) as preview:
        given = np.asarray(preview, np.float64)
        exact = np.asarray(film.resize(preview.size, Image.Resampling.LANCZOS), np.float64)
    assert max(given.shape) == 1024
    assert 10 * np.log10(255**2 / np.mean((given - exact) ** 2)) > 36


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
