"""One JPEG, PNG or TIFF at its own resolution and depth, for a viewer; after it has been read once.

`model.reading.picture` decodes a large JPEG smaller and keeps 8 bits of 16, which is all that the
network and the preview need. So here the file is decoded again, unless nothing was lost.
"""

import io

import numpy as np
from PIL import Image

from model.reading.deep_colour import is_deep_colour, read_deep_grey
from model.reading.full_film import FullFilm, draw_line, from_grey
from model.reading.grey import stretch, value_range
from model.reading.limits import damaged
from model.reading.picture import DECODE_ERRORS, FORMATS, PHOTOMETRIC, sample_of, upright


def read_full_picture(data: bytes, read: np.ndarray) -> FullFilm:
    """The picture whose (height, width) uint8 grey `read_picture` returned as `read`.

    Raises UnreadableXray, and holds no lock for large decodes: whoever read it first still does.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if is_deep_colour(image):
                values, opaque = read_deep_grey(image, data)
                return from_grey(read) if opaque is not None else _deep(values, image)
            if image.mode.startswith("I;16"):
                values = np.asarray(image).astype(np.uint16, copy=False)
                white_is_0 = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0
                return _deep(values, image, inverted=white_is_0)
            if image.size == read.shape[::-1] or image.size == read.shape:
                return from_grey(read)
            image.draft("L", image.size)
            return from_grey(upright(image.convert("L"), image))
    except DECODE_ERRORS as error:
        raise damaged() from error


def _deep(values: np.ndarray, image: Image.Image, *, inverted: bool = False) -> FullFilm:
    """As `read_picture` shows it: linearly over the range in use, or as 8 bits stored as 16."""
    sample = sample_of(values)
    low, high = value_range(sample.astype(np.float64))
    if not (sample % 257).any():
        low, high = 0.0, 65_535.0
    least, most = int(values.min()), int(values.max())
    table = stretch(np.arange(least, most + 1).clip(low, high), low, high)
    if inverted:
        values, table = most - values, 255 - table[::-1]
    else:
        values = values - least
    values = upright(Image.fromarray(values), image)
    return FullFilm(values, table, *draw_line(table))
