"""One X-ray file: bytes -> checked grey image -> model input and preview.

Training and serving both read images here, so what the network learned on is what it is shown.
JPEG and PNG are told apart by their content; the file's name, size, aspect ratio and metadata never
reach the network, because on the training set they alone separate the classes.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

INPUT_SIDE = 224
"""Side of the network's square input, in pixels."""

INPUT_MARGIN = 1 / 16
"""Share of width and height at each edge that the network does not see."""

PREVIEW_SIDE = 1024
"""Longest side of the preview, in pixels: fits a screen, and the original is not kept."""

MIN_SIDE = 100
"""Shortest side accepted, in pixels; below it neither a person nor the network sees a lung."""

MAX_PIXELS = 60_000_000
"""Pixel limit when the caller names none: a 7,700 px square, above any digital detector."""

_FORMATS = ("JPEG", "PNG")

# What Pillow's two decoders raise on damaged files; anything else is a bug and is left to be one.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)


class UnreadableXray(ValueError):
    """The bytes are not an image that can be judged; the message is one sentence for a person."""


@dataclass(frozen=True)
class Xray:
    """A decoded image: `pixels` is (height, width) uint8 grey, 0 black to 255 white, upright.

    `width` and `height` are those of the file, in pixels; `pixels` may be smaller, never below
    the preview's size. `warnings` are sentences for the person who reads the result.
    """

    pixels: np.ndarray
    width: int
    height: int
    warnings: tuple[str, ...]


def read_xray(data: bytes, max_pixels: int = MAX_PIXELS) -> Xray:
    """Decode and check a JPEG or PNG file.

    Raises UnreadableXray with one sentence when the bytes are no such file, are damaged or cut
    short, exceed `max_pixels`, or hold a blank or tiny picture.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata, which is not used; the size is checked below.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                width, height = image.size
                _check_size(width, height, max_pixels)
                # JPEG alone: decode luminance only, at a fraction of the size if that is enough.
                image.draft("L", (PREVIEW_SIDE, PREVIEW_SIDE))
                pixels = _to_grey(image)
    except UnreadableXray:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadableXray(
            f"The image has far more pixels than the limit of {max_pixels // 1_000_000} "
            "megapixels; export it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise UnreadableXray("This is not a JPEG or PNG image; export the X-ray as one.") from error
    except _DECODE_ERRORS as error:
        raise UnreadableXray(
            "The image file is damaged or incomplete; export it again and send the new file."
        ) from error
    if np.ptp(pixels) < 16:
        raise UnreadableXray("The image is blank; check the export and send the X-ray again.")
    return Xray(pixels, width, height, _warn(width, height, pixels))


def squash(xray: Xray, side: int = INPUT_SIDE) -> np.ndarray:
    """The whole image as (side, side, 1) float32 grey, 0 to 255, without keeping the aspect.

    The training set was squashed the same way, and bilinear with antialiasing is the filter that
    reproduces its 224 px files most closely from their originals (mean difference 1.6 to 2.7 of
    255; Lanczos 1.9 to 3.4, nearest 2.4 to 4.7).
    """
    return _resize(xray, 0.0, side)


def model_input(xray: Xray, side: int = INPUT_SIDE) -> np.ndarray:
    """The network's input: as `squash`, of the image without INPUT_MARGIN at each edge.

    Training views are crops of 65 to 100 %, so lungs are larger there than in a whole image; the
    network answers best at the size that it learned (Touvron et al. 2019, "FixRes"). On validation
    X-rays as they are, the Brier score fell from 0.036 to 0.030 by this margin.
    """
    return _resize(xray, INPUT_MARGIN, side)


def _resize(xray: Xray, margin: float, side: int) -> np.ndarray:
    image = Image.fromarray(xray.pixels)
    width, height = image.size
    small = image.resize(
        (side, side),
        Image.Resampling.BILINEAR,
        box=(margin * width, margin * height, (1 - margin) * width, (1 - margin) * height),
        reducing_gap=3.0,
    )
    return np.asarray(small, np.float32)[..., None]


def encode_preview(xray: Xray) -> bytes:
    """A JPEG of at most 1024 px on its longest side, made of pixels alone: no metadata survives."""
    image = Image.fromarray(xray.pixels)
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UnreadableXray(
            f"The image has {width} x {height} pixels, more than the limit of "
            f"{max_pixels // 1_000_000} megapixels; export it smaller."
        )
    if min(width, height) < MIN_SIDE:
        raise UnreadableXray(
            f"The image is only {width} x {height} pixels; send one of at least "
            f"{MIN_SIDE} pixels on its shorter side."
        )


def _to_grey(image: Image.Image) -> np.ndarray:
    """(height, width) uint8 grey of any mode the two decoders give, upright by its EXIF tag."""
    if image.mode.startswith("I") or image.mode == "F":
        return _stretch(np.asarray(image))
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("LA", "PA", "RGBA") or "transparency" in upright.info:
        # Transparent parts lie outside the exposed field; black is how a detector shows no film.
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "black"), rgba)
    return np.asarray(upright.convert("L"))


def _stretch(values: np.ndarray) -> np.ndarray:
    """Map 16-bit values linearly to 0..255 over the range in use (often 12 of the 16 bits)."""
    low, high = int(values.min()), int(values.max())
    scaled = (values.astype(np.float32) - low) * (255.0 / max(high - low, 1))
    return scaled.round().astype(np.uint8)


def _warn(width: int, height: int, pixels: np.ndarray) -> tuple[str, ...]:
    found = []
    if min(width, height) < INPUT_SIDE:
        found.append(
            f"The image is small ({width} x {height} pixels): fine detail that the network "
            "uses is missing."
        )
    if max(width, height) > 2 * min(width, height):
        found.append("The image is long and narrow, unlike a frontal chest X-ray.")
    low, high = np.percentile(pixels[::8, ::8], (2, 98))
    if high - low < 60:
        found.append("The image has very little contrast; the result may be unreliable.")
    return tuple(found)
