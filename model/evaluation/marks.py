"""Parts of a Markdown document that a command writes, between two marks each.

The text around them is written by hand: `<!-- NAME -->` begins such a part, `<!-- /NAME -->` ends
it.
"""

import re
import textwrap

WIDTH = 106
"""Columns of a paragraph, as in the documents that are written by hand."""


def cut_out(text: str, mark: str) -> str:
    """What is between the marks. Raises ValueError where they are not there once each."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the marks of {mark} must be there once")
    return text.split(begin)[1].split(end, maxsplit=1)[0]


def put_between(text: str, mark: str, body: str) -> str:
    """The text with `body` between the marks. Raises ValueError as `cut_out` does."""
    old = f"<!-- {mark} -->\n{cut_out(text, mark)}<!-- /{mark} -->"
    return text.replace(old, f"<!-- {mark} -->\n\n{body.strip()}\n\n<!-- /{mark} -->")


def list_marks(text: str) -> list[str]:
    """The names of all parts that are marked, in order."""
    return re.findall(r"^<!-- ([a-z-]+) -->$", text, re.M)


def wrap(text: str) -> str:
    """Paragraphs broken at WIDTH columns; tables, lists, headings and pictures stay as they are."""
    return "\n\n".join(
        block
        if block.startswith(("|", "- ", "#", "!["))
        else textwrap.fill(block, WIDTH, break_long_words=False, break_on_hyphens=False)
        for block in text.strip().split("\n\n")
    )
