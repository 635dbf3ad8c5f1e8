"""A report as a PDF of one page: headings, paragraphs and one figure, in reading order."""

import io
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from PIL import Image

from pneumonia_api.report.contours import LEVELS, Point, Rows, trace
from pneumonia_api.report.sections import Section
from pneumonia_api.report.tagged import FAINT, INK, TaggedPdf
from pneumonia_api.report.words import Wording

MARGIN = 14.0
GAP = 6.0
FILM_WIDTH = 92.0
FILM_HEIGHT = 112.0
"""Millimetres of an A4 page; the film is fitted into its box."""

SCALES = (1.0, 0.93, 0.86, 0.8, 0.74, 0.68, 0.62)
"""Of the text, the first with which everything fits on the page."""

CONTOUR_PENS = (((0, 0, 0), 0.75, 0.2), ((255, 255, 255), 0.3, 0.12))
"""Colour, width in mm, and how much wider each further level is: white lines on black ones."""


Contours = Sequence[Sequence[Sequence[Point]]]
"""The lines of each level."""


class Overflow(RuntimeError):
    """The texts do not fit on one page, even in the smallest size."""


def draw_pdf(wording: Wording, preview: bytes, rows: Rows | None, made: datetime) -> bytes:
    """The PDF. `preview` is the film, a JPEG, which is embedded as it is.

    `rows` are those of the heat map, or None where the result is withheld. Raises Overflow.
    """
    contours = [trace(rows, level) for level in LEVELS] if rows else []
    for scale in SCALES:
        with closing(_Page(wording, made, scale)) as page:
            page.draw(preview, contours)
            if page.fits:
                return bytes(page.output())
    raise Overflow


class _Page(TaggedPdf):
    """One page of tagged texts."""

    def __init__(self, wording: Wording, made: datetime, scale: float) -> None:
        super().__init__(wording.title, wording.language, made, MARGIN)
        self._wording = wording
        self._scale = scale

    @property
    def fits(self) -> bool:
        """Whether all that was drawn is on the page."""
        return bool(self.get_y() <= self.h - MARGIN)

    def draw(self, preview: bytes, contours: Contours) -> None:
        """Draw everything, in reading order."""
        wording, width = self._wording, self.epw
        self._say("H1", wording.title, 15, width, bold=True)
        self._say("P", "  ·  ".join(wording.about), 8, width, colour=FAINT)
        self._divide()
        top = self.get_y()
        bottom = self._draw_film(preview, contours, top)
        self.set_y(bottom + 1.5)
        self._say("P", wording.caption, 7.5, FILM_WIDTH, colour=FAINT)
        bottom = self.get_y()
        first, rest = wording.sections[:2], wording.sections[2:]
        self.set_y(top)
        for section in first:
            self._say_section(section, MARGIN + FILM_WIDTH + GAP, width - FILM_WIDTH - GAP)
        self.set_y(max(bottom, self.get_y()) + 2)
        self._divide()
        for section in rest:
            self._say_section(section, MARGIN, width)

    def _draw_film(self, preview: bytes, contours: Contours, top: float) -> float:
        """Returns where the film ends."""
        with Image.open(io.BytesIO(preview)) as image:  # only its header is read
            across, down = image.size
        shrink = min(FILM_WIDTH / across, FILM_HEIGHT / down)
        width, height = across * shrink, down * shrink
        with self.tagged("Figure", self._wording.alternative):
            self.image(io.BytesIO(preview), MARGIN, top, width, height)
            for colour, weight, more in CONTOUR_PENS:
                self.set_draw_color(*colour)
                for index, lines in enumerate(contours):
                    self.set_line_width(weight + more * index)
                    for line in lines:
                        self.polyline([(MARGIN + x * width, top + y * height) for x, y in line])
        return top + height

    def _say_section(self, section: Section, left: float, width: float) -> None:
        self.set_x(left)
        self._say("H2", section.heading, 8.5, width, left, colour=FAINT, bold=True)
        if section.lead:
            self._say("P", section.lead, 13, width, left, bold=True)
        for text in section.paragraphs:
            self._say("P", text, 8.5, width, left)
        self.set_y(self.get_y() + 2.2 * self._scale)

    def _say(
        self,
        tag: str,
        text: str,
        points: float,
        width: float,
        left: float = MARGIN,
        *,
        colour: tuple[int, int, int] = INK,
        bold: bool = False,
    ) -> None:
        """A tagged paragraph, and the next one below it."""
        size = points * self._scale
        self.set_font("inter", "B" if bold else "", size)
        self.set_text_color(*colour)
        self.set_x(left)
        with self.tagged(tag):
            line = size * 0.3528 * 1.32  # a point in mm; the height of a line by its size
            self.multi_cell(width, line, self._prepare(text), align="L", new_x="LEFT", new_y="NEXT")
        self.set_y(self.get_y() + 0.9 * self._scale)

    def _prepare(self, text: str) -> str:
        return self.replace_lacking(text.replace(" %", "\N{NO-BREAK SPACE}%"))

    def _divide(self) -> None:
        self.rule(self.get_y())
        self.set_y(self.get_y() + 3 * self._scale)
