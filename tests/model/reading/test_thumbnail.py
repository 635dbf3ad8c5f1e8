"""A preview has its thumbnail inside, in the segment that JFIF has for it."""

import io

import numpy as np
import pytest
from PIL import Image

from model.reading.thumbnail import HEAD_BYTES, embed_thumbnail, find_thumbnail
from model.reading.xray import XrayImage, encode_preview


def encode(pixels: np.ndarray, **options: int) -> bytes:
    """A JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((900, 1800), (48, 96)), ((3000, 2000), (96, 64)), ((100, 100), (96, 96))],
)
def test_preview_carries_a_small_copy_of_itself(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    """The beginning of the file is enough to find it; the picture itself decodes as before."""
    ramp = np.broadcast_to(np.linspace(0, 255, shape[1]).astype(np.uint8), shape)
    preview = encode_preview(XrayImage(np.ascontiguousarray(ramp), shape[1], shape[0], ()))
    found = find_thumbnail(preview[:HEAD_BYTES])
    assert found
    small = np.asarray(Image.open(io.BytesIO(found)), float)
    assert small.shape == expected
    whole = Image.open(io.BytesIO(preview))
    assert whole.mode == "L"
    wanted = np.asarray(whole.resize(expected[::-1], Image.Resampling.BOX), float)
    assert np.abs(small - wanted).mean() < 2
    assert len(found) < 4000


def test_picture_is_the_same_with_and_without() -> None:
    """No byte of the image data changes."""
    grey = np.random.default_rng(0).integers(0, 255, (64, 48)).astype(np.uint8)
    jpeg, small = encode(grey), encode(grey[:32])
    both = embed_thumbnail(jpeg, small)
    assert find_thumbnail(both) == small
    np.testing.assert_array_equal(
        Image.open(io.BytesIO(both)), np.asarray(Image.open(io.BytesIO(jpeg)))
    )


def test_too_long_or_damaged_is_none() -> None:
    """Noise at full quality, a file of an earlier release, and a cut one."""
    grey = np.random.default_rng(0).integers(0, 255, (400, 400)).astype(np.uint8)
    jpeg = encode(grey)
    assert embed_thumbnail(jpeg, encode(grey, quality=100)) == jpeg
    assert find_thumbnail(jpeg) is None
    assert embed_thumbnail(b"none", b"small") == b"none"
    whole = embed_thumbnail(jpeg, encode(grey[:32, :32]))
    assert all(find_thumbnail(whole[:end]) is None for end in range(0, 200, 7))
