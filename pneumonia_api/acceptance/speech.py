"""Texts, numbers and moments of a printed acceptance, in one language."""

import re
from datetime import UTC, datetime

from pneumonia_api.acceptance.german import FIGURES, GERMAN, REASONS
from pneumonia_api.report.speaking import match

_NUMBER = re.compile(r"\d+\.\d+")


class Speech:
    """Says texts in English or German."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, text: str, **values: object) -> str:
        """A text with its named values; a per cent sign is doubled where there are any."""
        said = GERMAN[text] if self.language == "de" else text
        return said % values if values else said

    def number(self, number: float, digits: int = 3) -> str:
        """With the decimal sign of the language."""
        return self._decimal(f"{number:.{digits}f}")

    def moment(self, at: datetime) -> str:
        """In UTC."""
        pattern = "%d.%m.%Y, %H:%M UTC" if self.language == "de" else "%Y-%m-%d, %H:%M UTC"
        return at.astimezone(UTC).strftime(pattern)

    def reason(self, sentence: str) -> str:
        """A reason of a verdict, which the rule states in English."""
        if self.language != "de":
            return sentence
        if found := match(sentence, REASONS):
            german, values = found
            return german % {name: self._translate(each) for name, each in values.items()}
        return sentence

    def _translate(self, value: str) -> str:
        return FIGURES.get(value) or (self._decimal(value) if _NUMBER.fullmatch(value) else value)

    def _decimal(self, number: str) -> str:
        return number.replace(".", ",") if self.language == "de" else number
