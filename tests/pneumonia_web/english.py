"""Finds English texts of the catalogue on a page that should have none."""

import re
from collections.abc import Iterable
from functools import cache
from html.parser import HTMLParser

from pneumonia_web.language import read_catalogue

SHOWN = ("alt", "aria-label", "title", "placeholder", "data-label", "data-sentence")
"""Attributes that a person reads or hears, at once or when a script shows them."""

BETWEEN = re.compile(r"<[^>]+>|%\(\w+\)s|%%|\{\w+\}|&\w+;")
SAID = re.compile(r"[A-Za-z].*[a-z] .*[A-Za-z]")


class Texts(HTMLParser):
    """The texts of a page, with those of templates and of what is hidden."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keep the texts of its attributes."""
        self._silent = tag in ("script", "style")
        self.found += [value or "" for name, value in attributes if name in SHOWN]

    def handle_endtag(self, tag: str) -> None:
        """Listen again."""
        self._silent = False

    def handle_data(self, data: str) -> None:
        """Keep what is no script."""
        if not self._silent:
            self.found.append(data)


@cache
def list_english() -> tuple[frozenset[str], frozenset[str]]:
    """What a German page has nowhere: whole texts, and longer pieces of texts.

    Without what is the same in German.
    """
    forms = [
        (english, german)
        for message in read_catalogue("de")
        if message.id and message.string
        for english, german in zip(
            [message.id] if isinstance(message.id, str) else message.id,
            [message.string] if isinstance(message.string, str) else message.string,
            strict=True,
        )
    ]
    german_texts = "\n".join(german for _, german in forms)
    own = {german for _, german in forms}
    whole = {english for english, german in forms if english != german} - own
    pieces = {piece.strip() for english, _ in forms for piece in BETWEEN.split(english)}
    return frozenset(whole), frozenset(
        piece for piece in pieces if SAID.search(piece) and piece not in german_texts
    )


def find_english(texts: Iterable[str]) -> list[str]:
    """The English among texts that a person reads or hears."""
    whole, pieces = list_english()
    found = []
    for text in (" ".join(each.split()) for each in texts):
        bare = text.strip(" ←→·⚠")
        if bare in whole or any(piece in text for piece in pieces):
            found.append(text)
    return found


def find_english_of(page: str) -> list[str]:
    """The same on a page or a part of one, as HTML."""
    return find_english(Texts(page).found)
