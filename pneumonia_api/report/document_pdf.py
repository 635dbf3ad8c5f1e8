"""A document of texts and tables as a PDF: tagged, searchable, with its fonts embedded.

Headings, paragraphs, items of lists and cells are elements. As the tree is flat, the cells of a
table follow each other, row by row, and are no children of a row.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import cast

from fpdf.enums import MethodReturnValue

from pneumonia_api.report.document import Document, Heading, Items, Paragraph, Table
from pneumonia_api.report.tagged import FAINT, INK, TaggedPdf

MARGIN = 16.0
"""Millimetres of an A4 page."""

TITLE, HEADING, TEXT, CELL = 17.0, 11.0, 9.0, 7.5
"""Points."""

FIRST_SHARE = 0.26
"""Of the width of a table, for the heads of its rows."""


def draw_document(document: Document) -> bytes:
    """The PDF, of as many pages as it takes."""
    with closing(_Pages(document)) as pages:
        pages.draw(document)
        return bytes(pages.output())


class _Pages(TaggedPdf):
    """Pages of tagged texts."""

    def __init__(self, document: Document) -> None:
        made = datetime.fromisoformat(document.made)
        super().__init__(document.title, document.language, made, MARGIN)

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
        height, text = self._find_line(points), self.replace_lacking(text)
        self._make_room(self._count_lines(self.epw, height, text) * height)
        with self.tagged(tag):
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
        texts = [self.replace_lacking(each) for each in cells]
        counts = [
            self._count_lines(width - 2, line, text)
            for width, text in zip(widths, texts, strict=True)
        ]
        height = max(counts) * line + 2 * gap
        if self._make_room(height) and above:
            self._draw_row(above, widths, head=True)
        top, left = self.get_y(), self.l_margin
        self.rule(top)
        for index, (width, text) in enumerate(zip(widths, texts, strict=True)):
            self._write_in(head or index == 0, CELL, FAINT if head else INK)
            self.set_xy(left, top + gap)
            if text:
                with self.tagged("TH" if head or index == 0 else "TD"):
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
