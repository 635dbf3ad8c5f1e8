"""One JPEG, PNG or TIFF file: bytes -> upright grey pixels."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from model.reading.deep_colour import is_deep_colour, read_deep_grey
from model.reading.grey import bands, stretch, value_range
from model.reading.headers.jpeg import JPEG_LS, read_frame
from model.reading.kinds import Kind, find_kind
from model.reading.limits import UnreadableXray, check_size, damaged, one_if_large

# Pillow warns about odd metadata, which is not used, and about sizes, which are checked here. The
# filter is global because `warnings.catch_warnings` is not thread-safe.
warnings.filterwarnings("ignore", module="PIL")

# 16-bit big-endian with 0 as white is the one grey layout missing from Pillow's list; like its
# little-endian twin, it is read as stored, and inverted here.
TiffImagePlugin.OPEN_INFO[(TiffImagePlugin.MM, 0, (1,), 1, (16,), ())] = ("I;16B", "I;16B")

FORMATS = ("JPEG", "PNG", "TIFF")

PHOTOMETRIC, _SUBFILE_TYPE = 262, 254
"""TIFF 6.0 tags: whether 0 is white or black; whether a page is a reduced copy of another."""

_MAX_TIFF_COPIES = 8

_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
"""Frame markers of lossless JPEG."""

# What Pillow's decoders raise for damaged files; anything else is a bug and propagates.
DECODE_ERRORS = (
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


def read_picture(data: bytes, max_pixels: int, side: int) -> tuple[np.ndarray, int, int]:
    """(height, width) uint8 grey, and width and height of the file in pixels.

    `data` has passed `model.reading.kinds.check_picture`. A JPEG may be decoded smaller, but not
    below `side` on its longer side. Raises UnreadableXray.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            check_size(width, height, max_pixels)
            if isinstance(image, TiffImagePlugin.TiffImageFile):
                _check_pages(image)
            # For JPEG only: decode just the luminance, at a fraction of the size if that is enough.
            image.draft("L", (side, side))
            with one_if_large(width, height):
                pixels = _to_grey(image, data)
    except UnreadableXray:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadableXray(
            f"The image has far more pixels than the limit of {max_pixels // 1_000_000} "
            "megapixels; export it smaller.",
            "too_large",
        ) from error
    except UnidentifiedImageError as error:
        raise (_name_unsupported_jpeg(data) or damaged()) from error
    except DECODE_ERRORS as error:
        raise damaged() from error
    return pixels, width, height


def _name_unsupported_jpeg(data: bytes) -> UnreadableXray | None:
    """The error for a JPEG that is lossless, of 12 bits or JPEG-LS; None for any other file."""
    if find_kind(data) is not Kind.JPEG:
        return None
    frame = read_frame(data)
    if frame.marker == JPEG_LS:
        name = "JPEG-LS file"
    elif frame.marker in _LOSSLESS:
        name = "lossless JPEG"
    elif frame.bits == 12:
        name = "12-bit JPEG"
    else:
        return None
    return UnreadableXray(
        f"This is a {name}, which is supported only inside DICOM; export the X-ray as 8-bit JPEG, "
        "PNG or DICOM.",
        "unsupported",
    )


def _check_pages(image: TiffImagePlugin.TiffImageFile) -> None:
    """Refuse several pictures in one file: a result for the first would pass as one for all.

    Reduced copies of the picture, which scanners add, do not count. Raises UnreadableXray.
    """
    for page in range(1, _MAX_TIFF_COPIES + 2):
        try:
            image.seek(page)
        except EOFError:
            image.seek(0)
            return
        if page > _MAX_TIFF_COPIES or not image.tag_v2.get(_SUBFILE_TYPE, 0) & 1:
            raise UnreadableXray(
                "The TIFF file holds several pages; send each X-ray as a file of its own.",
                "several",
            )


def _to_grey(image: ImageFile, data: bytes) -> np.ndarray:
    """(height, width) uint8 grey of an image of any mode, upright by its Exif tag.

    Works in bands, because whole images between the steps would take up to five times the memory of
    the file's own pixels.
    """
    white_is_0 = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0
    if is_deep_colour(image):
        values, opaque = read_deep_grey(image, data)
        grey = _scale(Image.fromarray(values))
        if opaque is not None:
            grey = Image.composite(grey, Image.new("L", grey.size), Image.fromarray(opaque))
        return upright(grey, image)
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        grey = _scale(image)
        if white_is_0:  # Pillow inverts only up to 8 bits
            grey = ImageOps.invert(grey)
    elif image.mode == "L" and "transparency" not in image.info:
        grey = image
    else:
        grey = _flatten(image)
    return upright(grey, image)


def upright(grey: Image.Image, image: Image.Image) -> np.ndarray:
    """The pixels of `grey`, rotated as the Exif tag of the file's `image` says."""
    if grey is not image:
        grey.getexif()[ExifTags.Base.Orientation] = image.getexif().get(
            ExifTags.Base.Orientation, 1
        )
    ImageOps.exif_transpose(grey, in_place=True)
    return np.asarray(grey)


def _flatten(image: Image.Image) -> Image.Image:
    """Grey of a colour, palette or transparent image."""
    see_through = image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info
    grey = Image.new("L", image.size)
    for top, band in _crops(image):
        if see_through:
            # Transparent parts lie outside the exposed field, which a detector shows in black.
            black = Image.new("RGBA", band.size, "black")
            flat = Image.alpha_composite(black, band.convert("RGBA"))
        else:
            flat = band
        grey.paste(flat.convert("L"), (0, top))
    return grey


def _scale(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit or floating-point values to 8 bits, linearly over the range in use.

    If all values are multiples of 257, they were 8-bit values stored as 16, and stay as they were.
    """
    sample = sample_of(np.asarray(image))
    low, high = value_range(sample.astype(np.float64))
    if image.mode.startswith("I;16") and not (sample % 257).any():
        low, high = 0.0, 65_535.0
    grey = Image.new("L", image.size)
    for top, band in _crops(image):
        # NaN becomes black, and an infinite value the end of the range.
        values = np.nan_to_num(np.asarray(band), nan=low, posinf=high, neginf=low)
        grey.paste(Image.fromarray(stretch(np.clip(values, low, high), low, high)), (0, top))
    return grey


def sample_of(values: np.ndarray) -> np.ndarray:
    """Every n-th row and column of a picture, from which its range of values is told."""
    step = max(min(values.shape) // 512, 1)
    return values[::step, ::step]


def _crops(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The bands of an image from top to bottom, each with the number of its first row."""
    for rows in bands(*image.size):
        yield rows.start, image.crop((0, rows.start, image.width, rows.stop))
