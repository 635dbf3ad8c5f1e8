"""One X-ray file: bytes -> checked grey image -> model input and preview.

Training and serving both read images here, so the network sees in service what it learned from.
JPEG, PNG, TIFF and DICOM are distinguished by content. The file's name, size, aspect ratio and
metadata never reach the network, because they alone separate the classes of the training set.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from PIL import Image

from model.reading.ages import Age, AgeBand
from model.reading.borders import Box
from model.reading.film import find_film
from model.reading.full_film import FullFilm
from model.reading.full_picture import read_full_picture
from model.reading.grey import MIN_CONTRAST
from model.reading.kinds import check_picture, is_dicom
from model.reading.limits import MAX_PIXELS, UnreadableXray
from model.reading.picture import read_picture
from model.reading.shown import Shown
from model.reading.thumbnail import SIDE, embed_thumbnail
from model.reading.upright import warn_of_hanging
from model.reading.views import View

__all__ = ["MAX_PIXELS", "UnreadableXray"]

INPUT_SIDE = 224
"""Side of the network's square input, in pixels."""

INPUT_MARGIN = 1 / 16
"""Share of width and height that is cut off at each edge before the network sees the image."""

PREVIEW_SIDE = 1024
"""Longest side of the preview, in pixels: fits a screen; the original is not kept."""

_CUT = (
    "The film does not fill the picture: a viewer's window around it was cut off; check that the "
    "preview shows the whole film, or export the X-ray itself."
)
_NOT_FILLED = (
    "The film may not fill the picture: there seems to be a viewer's window or a second picture "
    "around it; export the X-ray itself."
)


@dataclass(frozen=True)
class XrayImage:
    """A decoded image: `pixels` is (height, width) uint8 grey, 0 black to 255 white, upright.

    `pixels` is just the film, without a border or a viewer's window. The network and the preview
    both get exactly this, so the heat map fits both. `width` and `height` are those of the file, in
    pixels; `pixels` may be decoded smaller, but never below the preview's size. `warnings` are
    sentences for the person who reads the result. `age` is what the file says of the patient's,
    and `view` from which side it was taken; only a DICOM can say anything. `full` makes the same
    film at the file's own resolution and depth; it may raise UnreadableXray. `burned_in` is true
    where a DICOM says that text in its picture identifies the patient. `find_shown` says where the
    film lies in the picture of a DICOM, and how that is shown; other files have none.
    """

    pixels: np.ndarray
    width: int
    height: int
    warnings: tuple[str, ...]
    age: Age = "unknown"
    full: Callable[[], FullFilm] | None = field(default=None, compare=False, repr=False)
    view: View = "unknown"
    burned_in: bool = False
    find_shown: Callable[[], Shown] | None = field(default=None, compare=False, repr=False)


def read_xray(data: bytes, max_pixels: int = MAX_PIXELS, ages: AgeBand | None = None) -> XrayImage:
    """Decode and check a JPEG, PNG, TIFF or DICOM file; `ages` are those that the model is for.

    Raises UnreadableXray when the bytes are no such file, are damaged or truncated, exceed
    `max_pixels`, hold a blank or tiny picture or several, or when the tags of a DICOM say that it
    is not a frontal chest X-ray.
    """
    found: tuple[str, ...] = ()
    age: Age = "unknown"
    seen_from: View = "unknown"
    find_ends, burned_in = None, False
    if is_dicom(data):
        # A worker reads in a cage, so its own process never loads pydicom, which takes 16 MB.
        from model.reading.dicom.pixels import read_dicom  # noqa: PLC0415

        picture = read_dicom(data, max_pixels, ages)
        pixels, found, age, seen_from, full, find_ends, burned_in = picture
        height, width = pixels.shape
    else:
        check_picture(data)
        pixels, width, height = read_picture(data, max_pixels, PREVIEW_SIDE)
        full = partial(read_full_picture, data, pixels)
    if np.ptp(pixels) < MIN_CONTRAST:
        raise UnreadableXray(
            "The image is blank; check the export and send the X-ray again.", "blank"
        )
    film = find_film(pixels)
    if film.viewer:
        found += (_CUT,)
    elif film.doubt:
        found += (_NOT_FILLED,)
    cut = partial(_cut, full, film.box, pixels.shape)
    shown = partial(_find_shown, find_ends, film.box, pixels.shape) if find_ends else None
    pixels = np.ascontiguousarray(film.box.cut(pixels))
    found += _warn(width, height, pixels) + warn_of_hanging(pixels)
    return XrayImage(pixels, width, height, found, age, cut, seen_from, burned_in, shown)


def _cut(make: Callable[[], FullFilm], box: Box, searched: tuple[int, int]) -> FullFilm:
    """The part of a full picture that `box` is of the picture in which the film was searched."""
    full = make()
    scale = full.values.shape[0] / searched[0], full.values.shape[1] / searched[1]
    top, bottom = round(box.top * scale[0]), round(box.bottom * scale[0])
    left, right = round(box.left * scale[1]), round(box.right * scale[1])
    return replace(full, values=Box(top, bottom, left, right).cut(full.values))


def _find_shown(
    find_ends: Callable[[], tuple[float, float]], box: Box, searched: tuple[int, int]
) -> Shown:
    """`searched` are height and width of the picture in which the film is in `box`."""
    height, width = searched
    return Shown(
        box.left / width, box.top / height, box.right / width, box.bottom / height, *find_ends()
    )


def squash(xray: XrayImage, side: int = INPUT_SIDE) -> np.ndarray:
    """The whole image as (side, side, 1) float32 grey, 0 to 255; the aspect ratio is not kept.

    The training set was squashed the same way. Bilinear with antialiasing is the filter that best
    reproduces its 224 px files from their originals (mean difference 1.6 to 2.7 of 255; Lanczos 1.9
    to 3.4, nearest 2.4 to 4.7).
    """
    return _resize(xray, 0.0, side)


def model_input(xray: XrayImage, side: int = INPUT_SIDE) -> np.ndarray:
    """The network's input: `squash` of the image without INPUT_MARGIN at each edge.

    Training views are crops of 70 to 100 %, in which lungs are larger than in a whole image, and
    the network performs best at the size that it learned (Touvron et al. 2019, "FixRes"). On the
    validation X-rays this margin lowered the Brier score from 0.036 to 0.030.
    """
    return _resize(xray, INPUT_MARGIN, side)


def _resize(xray: XrayImage, margin: float, side: int) -> np.ndarray:
    image = Image.fromarray(xray.pixels)
    width, height = image.size
    small = image.resize(
        (side, side),
        Image.Resampling.BILINEAR,
        box=(margin * width, margin * height, (1 - margin) * width, (1 - margin) * height),
        reducing_gap=3.0,
    )
    return np.asarray(small, np.float32)[..., None]


def encode_preview(xray: XrayImage) -> bytes:
    """A JPEG of at most PREVIEW_SIDE on its longest side: pixels only, no metadata remains.

    It has a thumbnail inside (`model.reading.thumbnail`).
    """
    # Only the children of a cage make previews, so the worker itself never loads it (33 MB).
    import cv2  # noqa: PLC0415

    image = Image.fromarray(xray.pixels)
    scale = PREVIEW_SIDE / max(image.size)
    if 0.5 <= scale < 1:
        # As good as Pillow's own filter while it skips no pixel, that is down to a half, at a tenth
        # of the time; see docs/measurements-upload.md.
        cv2.setNumThreads(1)
        size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        small = cv2.resize(xray.pixels, size, interpolation=cv2.INTER_LINEAR)
        image = Image.fromarray(small)
    else:
        image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    preview = _encode(image, 85)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return embed_thumbnail(preview, _encode(image, 75))


def _encode(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _warn(width: int, height: int, pixels: np.ndarray) -> tuple[str, ...]:
    found = []
    if min(width, height) < INPUT_SIDE:
        found.append(
            f"The image is small ({width} x {height} pixels): it lacks fine detail that the "
            "network uses."
        )
    if max(pixels.shape) > 2 * min(pixels.shape):
        found.append("The image is long and narrow, unlike a frontal chest X-ray.")
    low, high = np.percentile(pixels[::8, ::8], (2, 98))
    if high - low < 60:
        found.append("The image has very little contrast; the result may be unreliable.")
    return tuple(found)
