"""Colour, and grey with alpha, of 16 bits a channel, of which Pillow keeps only the high bytes.

A 12-bit film in such a file would be left with 16 grey levels. So it is decoded twice, the second
time in the other byte order, which makes Pillow keep the low bytes.
"""

import io
import sys
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from model.reading.grey import bands

_LOW = {
    f"{mode};16{one}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for one, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}
"""Raw modes of 16-bit channels, each with the one that keeps the other byte."""

_GREY_ALPHA = "LA;16B"
"""In PNG; its four bytes a pixel are decoded as if they were the channels of RGBA."""

_WEIGHTS = (0.299, 0.587, 0.114)
"""Luma by ITU-R BT.601, as Pillow converts 8-bit colour."""


def is_deep_colour(image: ImageFile) -> bool:
    """Whether an image that is open but not yet loaded has several channels of 16 bits."""
    return bool(image.tile) and all(
        _raw_mode(tile) in _LOW or _raw_mode(tile) == _GREY_ALPHA for tile in image.tile
    )


def read_deep_grey(image: ImageFile, data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """(height, width) uint16 grey of `image`, which is open on `data`, and uint8 opacity if any."""
    tiles = list(image.tile)
    if _raw_mode(tiles[0]) == _GREY_ALPHA:
        image.tile = [_with_raw_mode(tile, "RGBA") for tile in tiles]
        image.load()
        pairs = np.asarray(image)
        return pairs[..., 0].astype(np.uint16) << 8 | pairs[..., 1], pairs[..., 2]
    with Image.open(io.BytesIO(data), formats=(image.format or "",)) as twin:
        twin.tile = [_with_raw_mode(tile, _LOW[_raw_mode(tile)]) for tile in tiles]
        low = np.asarray(twin)
    image.load()
    high = np.asarray(image)
    values = np.empty(high.shape[:2], np.uint16)
    for rows in bands(image.width, image.height):
        channels = high[rows, :, :3].astype(np.float32) * 256 + low[rows, :, :3]
        values[rows] = np.rint(channels @ np.array(_WEIGHTS, np.float32))
    return values, high[..., 3] if image.mode == "RGBA" else None


def _raw_mode(tile: Any) -> str:
    mode = tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0]
    return str(mode)


def _with_raw_mode(tile: Any, mode: str) -> Any:
    args = mode if isinstance(tile.args, str) else (mode, *tile.args[1:])
    return tile._replace(args=args)
