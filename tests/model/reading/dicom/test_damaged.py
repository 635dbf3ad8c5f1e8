"""Corrupted DICOM files: a picture or one sentence, never anything else."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from model.reading.dicom.header import read_header
from model.reading.dicom.pixels import decode_pixels
from model.reading.xray import MAX_PIXELS, UnreadableXray, read_xray
from tests.model.reading.dicom_objects import build, save, save_frame

RAMP = np.tile(np.linspace(0, 255, 240).round().astype(np.uint8), (220, 1))
DAMAGES = 300


def damage(data: bytes, random: np.random.Generator) -> bytes:
    """Flip bits, overwrite a run, truncate, or remove bytes in the middle."""
    broken = bytearray(data)
    # Half of the damage goes to the elements before the pixels, where a byte decides the most.
    end = len(broken) if random.random() < 0.5 else min(1000, len(broken))
    at = int(random.integers(132, end))
    kind = random.integers(4)
    if kind == 0:
        for place in random.integers(132, end, 8):
            broken[place] ^= 1 << int(random.integers(8))
    elif kind == 1:
        run = int(random.integers(1, 40))
        broken[at : at + run] = random.integers(0, 256, run, dtype=np.uint8).tobytes()
    elif kind == 2:
        del broken[at:]
    else:
        del broken[at : at + int(random.integers(1, 40))]
    return bytes(broken)


def save_as(syntax: UID) -> bytes:
    """A complete object in this transfer syntax."""
    if syntax != JPEGBaseline8Bit:
        return save(build(RAMP), syntax)
    buffer = io.BytesIO()
    Image.fromarray(RAMP).save(buffer, "JPEG", quality=90)
    return save_frame(build(RAMP), buffer.getvalue(), syntax)


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGBaseline8Bit,
        JPEG2000Lossless,
    ],
    ids=lambda syntax: syntax.keyword,
)
def test_damaged_object_is_a_picture_or_one_sentence(syntax: UID) -> None:
    """Nothing but UnreadableXray is raised, whatever byte is wrong; some damage is detected."""
    data = save_as(syntax)
    random = np.random.default_rng(7)
    sentences = []
    for _ in range(DAMAGES):
        try:
            xray = read_xray(damage(data, random))
        except UnreadableXray as error:
            sentences.append(str(error))
        else:
            assert xray.pixels.dtype == np.uint8
            assert xray.pixels.ndim == 2
    assert sentences
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in sentences)


def test_lossy_jpeg_of_12_bits_is_read() -> None:
    """JPEG Extended: known pixels of a file in pydicom, relabelled as a chest X-ray."""
    found = get_testdata_file("JPGExtended.dcm", download=False)
    assert isinstance(found, str)
    source = pydicom.dcmread(Path(found))
    assert source.file_meta.TransferSyntaxUID == JPEGExtended12Bit
    frame = pydicom.encaps.get_frame(source.PixelData, 0, number_of_frames=1)
    stored = np.zeros((source.Rows, source.Columns), np.uint16)
    data = save_frame(build(stored, BitsStored=12, HighBit=11), frame, JPEGExtended12Bit)
    pixels = decode_pixels(read_header(data, MAX_PIXELS)[0])
    assert pixels.shape == stored.shape
    # Stored values by pydicom's own tests.
    assert (int(pixels[420, 140]), int(pixels[230, 120])) == (244, 95)
