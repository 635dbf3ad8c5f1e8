"""Where in a picture the film lies, without what a printer, padding or a viewer put around it.

The network squashes the whole picture, so a border would shrink the lungs to a size that it never
saw in training. Only what is certainly not film is cut off: rows and columns of one level, and the
window of a viewer. An ordinary film, which has noise up to its edges, stays whole.
"""

from typing import NamedTuple

import numpy as np

from model.reading.borders import Box, refine, trim
from model.reading.viewer import find_window, has_drawn_edge

_SAMPLE_SIDE = 512
"""The search samples every n-th row and column, so that there are at most this many of either."""


class Film(NamedTuple):
    """The `box` of the film in a picture, and how it was found.

    `viewer` if a viewer's window was cut off. `doubt` if there is such a window, but its film was
    not found, so the box is larger than the film.
    """

    box: Box
    viewer: bool = False
    doubt: bool = False


def find_film(pixels: np.ndarray) -> Film:
    """The film in (height, width) uint8 grey; the whole picture unless the evidence is plain."""
    height, width = pixels.shape
    step = -(-max(height, width) // _SAMPLE_SIDE)
    sample = np.ascontiguousarray(pixels[::step, ::step])
    box = trim(sample, Box(0, sample.shape[0], 0, sample.shape[1]))
    inner, doubt = None, False
    if has_drawn_edge(box.cut(sample)):
        inner, doubt = find_window(sample, box)
    if inner:
        box = trim(sample, inner, least_black=0.0)  # the black that the viewer adds
    return Film(refine(pixels, box, step), inner is not None, doubt)
