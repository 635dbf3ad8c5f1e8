"""`model.reading.picture` through `read_xray`: every mode and depth gives the same grey."""

import struct

import numpy as np
import pytest
from PIL import Image

from model.reading.xray import (
    UnreadableXray,
    read_xray,
)
from tests.model.reading.encoding import encode


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
