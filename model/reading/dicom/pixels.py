"""The pixels of a checked DICOM object, as a viewer shows them."""

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import DigitalXRayImageStorageForProcessing

from model.reading.ages import Age, AgeBand
from model.reading.dicom.anatomy import read_text
from model.reading.dicom.bounds import check_fragments, check_frame
from model.reading.dicom.greys import grey_table, stored_values
from model.reading.dicom.hanging import hang
from model.reading.dicom.header import PARSE_ERRORS, read_header
from model.reading.dicom.spacing import read_spacing
from model.reading.dicom.values import read_number
from model.reading.full_film import FullFilm, draw_line
from model.reading.grey import bands, looks_upright
from model.reading.limits import UnreadableXray, one_if_large
from model.reading.views import View


class DicomPicture(NamedTuple):
    """(rows, columns) uint8 `grey`, 0 black, of a DICOM object, `warnings` for the reader, where
    the patient's `age` is, and the `view`.

    `full` makes the same picture at its full depth. `find_ends` finds the stored values that are
    shown black and white, as `model.reading.shown.Shown` has them. `burned_in` if the object says
    that text in its picture identifies the patient.
    """

    grey: np.ndarray
    warnings: tuple[str, ...]
    age: Age
    view: View
    full: Callable[[], FullFilm]
    find_ends: Callable[[], tuple[float, float]]
    burned_in: bool


def read_dicom(data: bytes, max_pixels: int, ages: AgeBand | None = None) -> DicomPicture:
    """Read a DICOM object for a model for these `ages`.

    The steps are those of PS3.4 N.2: modality LUT or rescale, the first VOI LUT or window, then
    inversion for MONOCHROME1 or Presentation LUT Shape INVERSE, unless the pixels show that they
    are not inverted. Without a usable VOI, 8-bit values stay as they are and others are stretched
    over the range in use. Pixel padding becomes black. Finally the picture is oriented by its tags
    (`model.reading.dicom.hanging`). Raises UnreadableXray.
    """
    dataset, warned, age = read_header(data, max_pixels, ages)
    try:
        with one_if_large(dataset.Columns, dataset.Rows):
            stored = decode_pixels(dataset)
            del dataset.PixelData  # the picture at full depth needs the tags alone
            grey, found, full, find_ends = _render(stored, dataset)
            return DicomPicture(
                hang(grey, dataset),
                warned + found,
                age,
                read_view(dataset),
                full,
                find_ends,
                read_text(dataset, "BurnedInAnnotation") == "YES",
            )
    except UnreadableXray:
        raise
    except NotImplementedError:
        raise UnreadableXray(
            "The DICOM is compressed in a way that is not supported; export it uncompressed.",
            "unsupported",
        ) from None
    except (*PARSE_ERRORS, RuntimeError):
        raise UnreadableXray(
            "The pixels of the DICOM are damaged or incomplete; export it again and send the "
            "new file.",
            "unreadable",
        ) from None


def read_view(dataset: Dataset) -> View:
    """The view by View Position; codes of views differ too much between devices."""
    text = read_text(dataset, "ViewPosition")
    return "PA" if text == "PA" else "AP" if text == "AP" else "unknown"


def decode_pixels(dataset: Dataset) -> np.ndarray:
    """(rows, columns) uint8, int8, uint16 or int16 as stored. Raises PARSE_ERRORS, RuntimeError."""
    shape = (dataset.Rows, dataset.Columns)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        get_decoder(syntax)  # raises NotImplementedError
        check_fragments(dataset.PixelData)
        _check_items(dataset.PixelData)
        # The codecs trust the header of the frame: one of 65,000 x 65,000 pixels takes 16 GB.
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        check_frame(frame, syntax, shape, dataset.BitsAllocated // 8)
        stored = pixel_array(dataset, decoding_plugin="pylibjpeg", correct_unused_bits=False)
    else:
        stored = pixel_array(dataset, correct_unused_bits=False)
    if stored.shape != shape or stored.dtype.itemsize > 2:
        raise ValueError("the decoder did not return a frame of 8 to 16 bits")
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _check_items(encapsulated: bytes) -> None:
    """Raise ValueError if the last item is truncated: a codec might fill in what is missing."""
    at = 0
    while at + 8 <= len(encapsulated):
        group, element, length = struct.unpack_from("<HHL", encapsulated, at)
        if (group, element) == (0xFFFE, 0xE0DD):
            return
        at += 8 + length
        if (group, element) != (0xFFFE, 0xE000) or at > len(encapsulated):
            raise ValueError("an item of the encapsulated pixels is truncated")


def _render(
    stored: np.ndarray, dataset: Dataset
) -> tuple[np.ndarray, tuple[str, ...], Callable[[], FullFilm], Callable[[], tuple[float, float]]]:
    """Grey, warnings, what makes the picture at full depth, and what finds its ends.

    Each step maps the 256 or 65,536 possible values instead of pixels.
    """
    codes = stored.view(f"u{stored.dtype.itemsize}")
    height, width = stored.shape
    used = np.zeros(1 << 8 * codes.itemsize, bool)
    for rows in bands(width, height):
        used[codes[rows]] = True
    values = stored_values(used, dataset)
    padding = np.zeros(values.size, bool)
    if (pad := read_number(dataset, "PixelPaddingValue")) is not None:
        limit = read_number(dataset, "PixelPaddingRangeLimit")
        ends = sorted((pad, pad if limit is None else limit))
        padding = (values >= ends[0]) & (values <= ends[1])
        if not (used & ~padding).any():  # the whole picture is padding, so the tag is wrong
            padding[:] = False
    step = max(min(height, width) // 512, 1)
    sample = codes[::step, ::step]
    table, found = grey_table(values, used & ~padding, sample[~padding[sample]], dataset)

    if (
        dataset.PhotometricInterpretation == "MONOCHROME1"
        or read_text(dataset, "PresentationLUTShape") == "INVERSE"
    ):
        if looks_upright(table[sample]):
            found += (
                "The DICOM says that its greys are inverted, but the pixels show that they are "
                "not; they were left as they are.",
            )
        else:
            table = 255 - table
    greys = table.copy()
    table[padding] = 0
    if (
        dataset.get("PresentationIntentType") == "FOR PROCESSING"
        or dataset.get("SOPClassUID") == DigitalXRayImageStorageForProcessing
    ):
        found += ("The DICOM holds raw detector data, not the picture that a viewer shows.",)
    grey = np.empty(stored.shape, np.uint8)
    for rows in bands(width, height):
        grey[rows] = table[codes[rows]]

    def make_full() -> FullFilm:
        levels, by_level, _ = _level(values, used & ~padding, padding & used, greys)
        full = hang(levels[codes], dataset)
        return FullFilm(full, by_level, *draw_line(by_level), *read_spacing(dataset))

    def find_ends() -> tuple[float, float]:
        _, by_level, value_of = _level(values, used & ~padding, padding & used, greys)
        black, white = draw_line(by_level)
        return value_of(black), value_of(white)

    return grey, found, make_full, find_ends


def _level(
    values: np.ndarray, used: np.ndarray, padding: np.ndarray, greys: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Callable[[float], float]]:
    """The level of each code, from 0 for the darkest value in use, the grey of each level, and what
    finds the stored value of a level.

    Padding has a level of its own below all others, which is black; only where values fill all of
    16 bits, it shares the lowest.
    """
    there = np.flatnonzero(used)
    there = there[np.argsort(values[there])]
    sign = -1 if greys[there[0]] > greys[there[-1]] else 1
    if sign < 0:
        values, there = -values, there[::-1]
    low, high = int(values[there[0]]), int(values[there[-1]])
    first = min(int(padding.any()), 65_535 - (high - low))
    levels = np.clip(values - low + first, 0, high - low + first)
    levels[padding] = 0
    depth = np.uint8 if levels.max() < 256 else np.uint16
    shown = np.zeros(high - low + first + 1, np.uint8)
    within = (values >= low) & (values <= high)
    shown[(values[within] - low + first).astype(np.int64)] = greys[within]
    return levels.astype(depth), shown, lambda level: sign * (level + low - first)
