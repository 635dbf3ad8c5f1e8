"""A document of texts and tables as a PDF: tagged, searchable, with its fonts embedded.

As in `report.pdf`, fpdf2 tags nothing of this by itself, so headings, paragraphs, items of lists
and cells are marked here. The tree is flat, as fpdf2 keeps it: cells of a table follow each other,
row by row, and are no children of a row.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import cast

from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from fpdf.fonts import TTFFont
from fpdf.prefs import ViewerPreferences

from pneumonia_api.report.document import Document, Heading, Items, Paragraph, Table
from pneumonia_api.report.pdf import FONTS, LACKING

MARGIN = 16.0
"""Millimetres of an A4 page."""

INK, FAINT, RULE = (20, 24, 31), (84, 92, 104), (190, 196, 204)

TITLE, HEADING, TEXT, CELL = 17.0, 11.0, 9.0, 7.5
"""Points."""

FIRST_SHARE = 0.26
"""Of the width of a table, for the heads of its rows."""


def draw_document(document: Document) -> bytes:
    """The PDF, of as many pages as it takes."""
    pages = _Pages(document)
    pages.draw(document)
    return bytes(pages.output())


class _Pages(FPDF):
    """Pages of tagged texts."""

    def __init__(self, document: Document) -> None:
        super().__init__(unit="mm", format="A4")
        self.set_auto_page_break(False)
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.add_font("inter", "", FONTS / "inter-regular.ttf")
        self.add_font("inter", "B", FONTS / "inter-semibold.ttf")
        self.set_title(document.title)
        self.set_lang(document.language)
        self.set_creation_date(datetime.fromisoformat(document.made))
        self.set_creator("Pneumonia Detection Application")
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.add_page()

    def draw(self, document: Document) -> None:
        """Everything, in reading order."""
        self._say("H1", document.title, TITLE, bold=True)
        for block in document.blocks:
            match block:
                case Heading(text):
                    self._make_room(18)
                    self.set_y(self.get_y() + 3)
                    self._say("H2", text, HEADING, bold=True)
                case Paragraph(text, strong):
                    self._say("P", text, 14 if strong else TEXT, bold=strong)
                case Items(texts):
                    for text in texts:
                        self._say("P", f"\u2022 {text}", TEXT)
                case Table():
                    self._tabulate(block)

    def _say(
        self,
        tag: str,
        text: str,
        points: float,
        *,
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
    ) -> None:
        self._write_in(bold, points, colour)
        height, text = self._find_line(points), self._replace_lacking(text)
        self._make_room(self._count_lines(self.epw, height, text) * height)
        with self._tagged(tag):
            self.multi_cell(self.epw, height, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.set_y(self.get_y() + 1)

    def _tabulate(self, table: Table) -> None:
        first = self.epw * FIRST_SHARE
        rest = (self.epw - first) / max(1, len(table.heads) - 1)
        widths = [first, *[rest] * (len(table.heads) - 1)]
        self._draw_row(table.heads, widths, head=True)
        for row in table.rows:
            self._draw_row(row, widths, head=False, above=table.heads)
        self.set_y(self.get_y() + 1.5)

    def _draw_row(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        *,
        head: bool,
        above: Sequence[str] = (),
    ) -> None:
        """Draw a row; on a new page the heads come first again."""
        self._write_in(head, CELL, FAINT if head else INK)
        line, gap = self._find_line(CELL), 1.2
        texts = [self._replace_lacking(each) for each in cells]
        counts = [
            self._count_lines(width - 2, line, text)
            for width, text in zip(widths, texts, strict=True)
        ]
        height = max(counts) * line + 2 * gap
        if self._make_room(height) and above:
            self._draw_row(above, widths, head=True)
        top, left = self.get_y(), self.l_margin
        self._rule(top)
        for index, (width, text) in enumerate(zip(widths, texts, strict=True)):
            self._write_in(head or index == 0, CELL, FAINT if head else INK)
            self.set_xy(left, top + gap)
            if text:
                with self._tagged("TH" if head or index == 0 else "TD"):
                    self.multi_cell(width - 2, line, text, align="L", new_x="LEFT", new_y="NEXT")
            left += width
        self.set_xy(self.l_margin, top + height)

    def _count_lines(self, width: float, height: float, text: str) -> int:
        lines = self.multi_cell(width, height, text, dry_run=True, output=MethodReturnValue.LINES)
        return len(cast(list[str], lines))

    def _make_room(self, height: float) -> bool:
        """Go on on a new page unless so much fits; whether it is a new one."""
        if self.get_y() + height <= self.h - MARGIN:
            return False
        self.add_page()
        return True

    def _write_in(self, bold: bool, points: float, colour: tuple[int, int, int]) -> None:
        self.set_font("inter", "B" if bold else "", points)
        self.set_text_color(*colour)

    @staticmethod
    def _find_line(points: float) -> float:
        return points * 0.3528 * 1.35  # a point in mm; the height of a line by its size

    def _replace_lacking(self, text: str) -> str:
        known = cast(TTFFont, self.fonts["inter"]).cmap
        return "".join(each if ord(each) in known else LACKING for each in text)

    def _rule(self, y: float) -> None:
        """A line that only divides: a screen reader is told nothing of it."""
        self._out("/Artifact BMC")
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(self.l_margin, y, self.w - self.r_margin, y)
        self._out("EMC")

    @contextmanager
    def _tagged(self, kind: str) -> Iterator[None]:
        """What is drawn in the block is an element of this kind (ISO 32000-1, 14.8.4)."""
        number = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{kind}", mcid=number)
        self._out(f"/{kind} <</MCID {number}>> BDC")
        yield
        self._out("EMC")
