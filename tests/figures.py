"""Numbers in a document that no raw result stands behind.

A document has parts that a command writes from raw results, between marks, and words of its own. A
number among those words is either part of a phrase that is known (a year, a version, a limit that a
test checks elsewhere) or a figure that somebody typed.
"""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"(?<![\w.])\d(?:[\d.,]*\d)?(?![\w])")
"""Not the digits of a name such as conv4, ResNet50 or v1."""

_NOT_WORDS = (
    re.compile(r"^```.*?^```$", re.M | re.S),  # commands
    re.compile(r"`[^`\n]*`"),  # code
    re.compile(r"(?<=\])\([^)\s]*\)"),  # where a link leads
)


def find_untraced(text: str, marks: Iterable[str], known: Iterable[str]) -> list[str]:
    """Each number that is neither between `marks` nor in a `known` phrase, with what is before it.

    Raises ValueError for a phrase that the text does not have: a list of exceptions must not
    outlive what it excuses.
    """
    for mark in marks:
        text = re.sub(rf"^<!-- {mark} -->$.*?^<!-- /{mark} -->$", "", text, flags=re.M | re.S)
    for pattern in _NOT_WORDS:
        text = pattern.sub(" ", text)
    text = " ".join(text.split())
    for phrase in known:
        if phrase not in text:
            raise ValueError(f"{phrase!r} is not in the text")
        text = text.replace(phrase, " ")
    return [text[max(0, found.start() - 30) : found.end()] for found in _NUMBER.finditer(text)]


def cut_sections(text: str, names: Iterable[str]) -> str:
    """The text without the sections (`## NAME`) of these names."""
    for name in names:
        text = re.sub(rf"^## {name}$.*?(?=^## |\Z)", "", text, flags=re.M | re.S)
    return text
