"""The greys of a film at full depth are those of dcmtk's `dcm2pnm`, an implementation of its own.

Debian's package `dcmtk` brings it; it decodes no JPEG 2000, so that is compared uncompressed.
"""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.uid import (
    UID,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from model.reading.xray import read_xray
from tests.model.reading.dicom_objects import LOSSLESS, build, save

pytestmark = pytest.mark.skipif(
    not shutil.which("dcm2pnm"), reason="no dcm2pnm; Debian's package dcmtk brings it"
)

SIDE = 256
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE]


def make_film(bits: int, photometric: str = "MONOCHROME2", *, signed: bool = False) -> np.ndarray:
    """Values over all of so many bits, no edge of one level, and white where `photometric` has it.

    A film that is inverted against its tag would be corrected, which dcmtk does not do.
    """
    most = (1 << bits) - 1
    values = (ROWS * SIDE + COLUMNS * 257) * most // (SIDE * SIDE + 257 * SIDE)
    if photometric == "MONOCHROME1":
        values = most - values
    if signed:
        return (values - (most + 1) // 2).astype(np.int16)
    return values.astype(np.uint16 if bits > 8 else np.uint8)


def look_up_table(first: int, entries: list[int], bits: int) -> list[Dataset]:
    """A sequence with one look-up table."""
    item = Dataset()
    item.LUTDescriptor = [len(entries) % 65_536, first, bits]
    item.LUTData = np.array(entries, "<u2").tobytes()
    item.ModalityLUTType = "US"
    return [item]


def by_dcmtk(data: bytes, folder: Path, *options: str) -> np.ndarray:
    """The greys of the program for the transfer syntax."""
    (folder / "film.dcm").write_bytes(data)
    found = np.empty((0, 0))
    for program in ("dcm2pnm", "dcmj2pnm", "dcml2pnm"):
        done = subprocess.run(
            [program, *options, "--write-raw-pnm", folder / "film.dcm", folder / "film.pgm"],
            capture_output=True,
            timeout=30,
            check=False,
        )
        if done.returncode == 0:
            with Image.open(io.BytesIO((folder / "film.pgm").read_bytes())) as image:
                found = np.asarray(image.convert("L"))
            break
    return found


def check(data: bytes, folder: Path, *options: str) -> None:
    """Film and preview show what dcmtk shows, to one grey."""
    xray = read_xray(data)
    assert xray.full is not None
    full = xray.full()
    shown = full.table[full.values].astype(int)
    assert np.array_equal(shown, xray.pixels)
    expected = by_dcmtk(data, folder, *options).astype(int)
    assert expected.shape == shown.shape
    assert np.ptp(expected) > 100
    assert np.abs(shown - expected).max() <= 1


WINDOW = {"WindowCenter": 1800, "WindowWidth": 1500}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("elements", "options"),
    [
        (WINDOW, ["+Wi", "1"]),
        ({"WindowCenter": [1800, 900], "WindowWidth": [1500, 800]}, ["+Wi", "1"]),
        ({**WINDOW, "VOILUTFunction": "SIGMOID"}, ["+Wi", "1", "+Wfs"]),
        (
            {
                **{"WindowCenter": 3000, "WindowWidth": 8000},
                **{"RescaleSlope": 2, "RescaleIntercept": -1000},
            },
            ["+Wi", "1"],
        ),
        ({**WINDOW, "RescaleSlope": 0.25, "RescaleIntercept": 1500}, ["+Wi", "1"]),
        ({}, ["+Wm"]),
    ],
    ids=["window", "first of two", "sigmoid", "rescaled", "fractional slope", "no window"],
)
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_windows_of_every_depth(
    tmp_path: Path, photometric: str, elements: dict[str, Any], options: list[str], bits: int
) -> None:
    """Linear and sigmoid, after a rescale, and the range in use without one."""
    scaled = dict(elements)
    for name in ("WindowCenter", "WindowWidth"):
        if name in scaled:
            each = scaled[name]
            by = (1 << bits) / 4096
            scaled[name] = [v * by for v in each] if isinstance(each, list) else each * by
    if "RescaleIntercept" in scaled:
        scaled["RescaleIntercept"] *= (1 << bits) / 4096
    data = save(
        build(
            make_film(bits, photometric), BitsStored=bits, HighBit=bits - 1,
            PhotometricInterpretation=photometric, **scaled,
        )
    )  # fmt: skip
    check(data, tmp_path, *options)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_signed_values(tmp_path: Path, photometric: str) -> None:
    """Two's complement of 12 bits, in 16."""
    window = {"WindowCenter": -200, "WindowWidth": 2500}
    film = make_film(12, photometric, signed=True)
    data = save(
        build(film, BitsStored=12, HighBit=11, PhotometricInterpretation=photometric, **window)
    )
    check(data, tmp_path, "+Wi", "1")


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_voi_table(tmp_path: Path, photometric: str) -> None:
    """A curve, as devices store their own."""
    curve = [round(4095 * (value / 4095) ** 0.6) for value in range(4096)]
    data = save(
        build(
            make_film(12, photometric), BitsStored=12, HighBit=11,
            PhotometricInterpretation=photometric,
            VOILUTSequence=look_up_table(0, curve, 12),
        )
    )  # fmt: skip
    check(data, tmp_path, "+Wl", "1")


def test_modality_table_before_a_window(tmp_path: Path) -> None:
    """Both steps, in their order."""
    curve = [round(65_535 * (value / 4095) ** 0.8) for value in range(4096)]
    data = save(
        build(
            make_film(12), BitsStored=12, HighBit=11,
            ModalityLUTSequence=look_up_table(0, curve, 16),
            WindowCenter=30_000, WindowWidth=40_000,
        )
    )  # fmt: skip
    check(data, tmp_path, "+Wi", "1")


@pytest.mark.parametrize(
    "syntax",
    LOSSLESS,
    ids=lambda syntax: str(UID(syntax).name),
)
def test_transfer_syntaxes(tmp_path: Path, syntax: UID) -> None:
    """That both can read, and that pydicom can write."""
    data = save(build(make_film(12), BitsStored=12, HighBit=11, **WINDOW), syntax)
    check(data, tmp_path, "+Wi", "1")


@pytest.mark.parametrize(
    ("program", "option", "syntax"),
    [("dcmcjpeg", "+e1", JPEGLosslessSV1), ("dcmcjpls", "+el", JPEGLSLossless)],
)
def test_lossless_jpeg_made_by_dcmtk(
    tmp_path: Path, program: str, option: str, syntax: UID
) -> None:
    """The most frequent compressions of archives, written by another program."""
    plain, packed = tmp_path / "plain.dcm", tmp_path / "packed.dcm"
    plain.write_bytes(save(build(make_film(12), BitsStored=12, HighBit=11, **WINDOW)))
    subprocess.run([program, option, plain, packed], check=True, timeout=30)
    assert syntax.encode() in packed.read_bytes()
    check(packed.read_bytes(), tmp_path, "+Wi", "1")


def test_eight_bits(tmp_path: Path) -> None:
    """Without a window they stay as they are."""
    check(save(build(make_film(8))), tmp_path)
