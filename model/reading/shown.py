"""Where a film lies in its file's picture, and how dark and bright the picture is shown."""

from typing import NamedTuple


class Shown(NamedTuple):
    """What of a DICOM's picture is shown as the film.

    The sides are shares, from 0 to 1, of the upright picture: across from its left, down from its
    top. A stored value `black` is shown black and one of `white` white on the straight line through
    the greys; `black` is the larger one where the object is inverted.
    """

    left: float
    top: float
    right: float
    bottom: float
    black: float
    white: float
