"""Orientation and aspect of a picture: rotated, mirrored and stretched as its DICOM tags say."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image
from pydicom import Dataset

from model.reading.dicom.anatomy import read_text
from model.reading.dicom.values import read_numbers

_MAX_ASPECT = 5.0
"""Ratio of a pixel's sides above which the tag counts as damaged."""


class Turns(NamedTuple):
    """What hangs a stored picture, in this order: rows become columns, then it is turned upside
    down, then left and right change places."""

    transposed: bool
    upside_down: bool
    mirrored: bool


def hang(grey: np.ndarray, dataset: Dataset) -> np.ndarray:
    """(rows, columns) as stored -> square pixels, head up, the patient's left on the right.

    Of any depth of up to 16 bits, which stays.

    Uses Pixel Aspect Ratio or the spacings, and Patient Orientation (PS3.3 C.7.6.1.1.1), whose two
    values name the direction of the rows and of the columns. Without them the picture stays as it
    is. Field of View Rotation and Horizontal Flip are ignored: they record what was already done to
    the detector's pixels, and Patient Orientation describes the result.
    """
    grey = _square(grey, dataset)
    turns = read_turns(dataset)
    if turns.transposed:
        grey = grey.T
    if turns.upside_down:
        grey = grey[::-1]
    if turns.mirrored:
        grey = grey[:, ::-1]
    return np.ascontiguousarray(grey)


def read_turns(dataset: Dataset) -> Turns:
    """By Patient Orientation; none where that says nothing."""
    along, _, down = read_text(dataset, "PatientOrientation").partition("\\")
    along, down = along[:1], down.strip()[:1]
    transposed = along in ("H", "F") and down in ("L", "R")
    if transposed:
        along, down = down, along
    return Turns(
        transposed,
        upside_down=down == "H" and along in ("L", "R"),
        mirrored=along == "R" and down in ("H", "F"),
    )


def read_aspect(dataset: Dataset) -> float:
    """Height over width of a pixel; 1 where they hardly differ, or where the tags are damaged."""
    for element in ("PixelAspectRatio", "ImagerPixelSpacing", "PixelSpacing"):
        sides = read_numbers(dataset, element)
        if len(sides) >= 2 and min(sides[:2]) > 0:
            ratio = sides[0] / sides[1]
            plain = abs(ratio - 1) < 0.01 or not 1 / _MAX_ASPECT <= ratio <= _MAX_ASPECT
            return 1.0 if plain else ratio
    return 1.0


def _square(grey: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The picture resampled to square pixels, about as many as before."""
    ratio = read_aspect(dataset)
    if ratio == 1:
        return grey
    height, width = grey.shape
    size = (round(width / math.sqrt(ratio)), round(height * math.sqrt(ratio)))
    # Lanczos keeps the sharpness that the network relies on; bilinear moved results by 0.1.
    if grey.dtype == np.uint8:
        return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS))
    deep = Image.fromarray(grey.astype(np.float32)).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(deep).round().clip(grey.min(), grey.max()).astype(grey.dtype)
