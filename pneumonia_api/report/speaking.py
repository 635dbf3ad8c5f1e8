"""Texts, numbers and moments of a report in one language."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from pneumonia_api.report.german import GERMAN, WARNINGS

_VALUE = re.compile(r"%\((\w+)\)s")
_QUOTED_VALUE = re.compile(r"%\\\((\w+)\\\)s")


class Speaker:
    """Says texts in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, text: str, **values: object) -> str:
        """The text, which must be one of GERMAN, with its values filled in."""
        said = GERMAN[text] if self.language == "de" else text
        return _fill(said, values)

    def share(self, probability: float) -> str:
        """In whole per cent, and never exactly 0 or 100."""
        if probability < 0.01:
            return self("< 1 %")
        return self("> 99 %") if probability > 0.99 else f"{probability * 100:.0f} %"

    def number(self, number: float) -> str:
        """With the decimal sign of the language."""
        text = f"{number:g}"
        return text.replace(".", ",") if self.language == "de" else text

    def moment(self, moment: str) -> str:
        """A moment (ISO 8601) in UTC."""
        at = datetime.fromisoformat(moment).astimezone(UTC)
        return at.strftime("%d.%m.%Y, %H:%M UTC" if self.language == "de" else "%Y-%m-%d %H:%M UTC")

    def warning(self, sentence: str) -> str:
        """What the reader of the image warned of; as it is if it is not known here."""
        if self.language == "de" and (found := match(sentence, WARNINGS)):
            german, values = found
            return _fill(german, values)
        return sentence


def match(sentence: str, texts: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    """The translation of the text that `sentence` is, and the values in it; None if it is none."""
    for text, translation in texts.items():
        if found := _compile(text).fullmatch(sentence):
            return translation, found.groupdict()
    return None


def _fill(text: str, values: Mapping[str, object]) -> str:
    """The text with its named values; any other per cent sign stays."""
    return _VALUE.sub(lambda found: str(values[found[1]]), text)


@cache
def _compile(text: str) -> re.Pattern[str]:
    return re.compile(_QUOTED_VALUE.sub(r"(?P<\1>.+?)", re.escape(text)))
