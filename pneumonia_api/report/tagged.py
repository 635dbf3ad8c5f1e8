"""A PDF that is tagged and searchable, with its fonts embedded.

fpdf2 (2.8) tags only pictures by itself, so the tags of all else are written here, with its
structure tree and two of its private methods. The tree is flat, as it keeps it. That is a tagged
PDF (ISO 32000-1, 14.8). It is not declared to be PDF/UA: fpdf2 offers no such mode, and no
validator of it was run.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont
from fpdf.prefs import ViewerPreferences

# It reports each table of each font.
logging.getLogger("fontTools").setLevel(logging.WARNING)

FONTS = Path(__file__).parent / "fonts"
LACKING = "?"
"""Stands for a character that the fonts lack: they have those of Western Europe."""

INK, FAINT, RULE = (20, 24, 31), (84, 92, 104), (190, 196, 204)


class TaggedPdf(FPDF):
    """A4 pages with margins of `margin` mm. Close it: fpdf2 leaves the files of its fonts open."""

    def __init__(self, title: str, language: str, made: datetime, margin: float) -> None:
        super().__init__(unit="mm", format="A4")
        self.set_auto_page_break(False)
        self.set_margin(margin)
        self.c_margin = 0
        self.add_font("inter", "", FONTS / "inter-regular.ttf")
        self.add_font("inter", "B", FONTS / "inter-semibold.ttf")
        self.set_title(title)
        self.set_lang(language)
        self.set_creation_date(made)
        self.set_creator("Pneumonia Detection Application")
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.add_page()

    def close(self) -> None:
        """Close the files of the fonts."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def replace_lacking(self, text: str) -> str:
        """The text with LACKING for each character that the fonts lack."""
        font = self.fonts["inter"]
        if not isinstance(font, TTFFont):
            raise TypeError("a font of the standard has no list of its letters")
        return "".join(each if ord(each) in font.cmap else LACKING for each in text)

    def rule(self, y: float) -> None:
        """A line that only divides: a screen reader is told nothing of it."""
        self._out("/Artifact BMC")
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(self.l_margin, y, self.w - self.r_margin, y)
        self._out("EMC")

    @contextmanager
    def tagged(self, kind: str, alternative: str | None = None) -> Iterator[None]:
        """What is drawn in the block is an element of this kind (ISO 32000-1, 14.8.4)."""
        number = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{kind}", mcid=number, alt_text=alternative)
        self._out(f"/{kind} <</MCID {number}>> BDC")
        yield
        self._out("EMC")
