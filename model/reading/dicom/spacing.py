"""The side of a pixel in millimetres, as a DICOM object states it, and what that is true of."""

import math

from pydicom import Dataset

from model.reading.dicom.anatomy import read_text
from model.reading.dicom.values import read_numbers
from model.reading.full_film import SpacingKind

_PLAUSIBLE = (0.01, 2.0)
"""Millimetres. Detectors have 0.1 to 0.2; exports at a low resolution up to 1.6."""

_SAME = 0.001
"""Share by which two spacings may differ and still be one number, written twice."""


def read_spacing(dataset: Dataset) -> tuple[float | None, SpacingKind]:
    """Millimetres after the picture was made square (`hanging`), and their kind; None if unknown.

    Imager Pixel Spacing is that on the detector (PS3.3 C.8.11.7). Pixel Spacing is that in the
    patient if it was corrected for magnification, as its calibration type or a difference from the
    imager's tells (PS3.3 10.7.1.3); alone and without a type it may be either.
    """
    imager, pixel = _read(dataset, "ImagerPixelSpacing"), _read(dataset, "PixelSpacing")
    if pixel is None:
        return imager, "detector" if imager else "unstated"
    if read_text(dataset, "PixelSpacingCalibrationType") in ("GEOMETRY", "FIDUCIAL"):
        return pixel, "calibrated"
    if imager is None:
        return pixel, "unstated"
    return pixel, "detector" if math.isclose(pixel, imager, rel_tol=_SAME) else "calibrated"


def _read(dataset: Dataset, element: str) -> float | None:
    """Of a pixel with the same area, because `hanging` keeps it."""
    sides = read_numbers(dataset, element)
    if len(sides) < 2 or not all(_PLAUSIBLE[0] <= side <= _PLAUSIBLE[1] for side in sides[:2]):
        return None
    return math.sqrt(sides[0] * sides[1])
