"""Sentences that the API states, in the language of the page.

The API states them in English, for machines and logs too. An answer to a call has a stable code, by
which its sentence is found here; what a record says of its image has none, and is found by the
sentence. A text that is not known here stays as it came.
"""

import re
from functools import cache

from pneumonia_web.language import find_language, gettext, translate
from pneumonia_web.stated import ANSWERS, RECORDED
from pneumonia_web.stated_parts import PARTS

PLACEHOLDER = re.compile(r"%\\\((\w+)\\\)s")


def translate_answer(code: str, message: str) -> str:
    """The sentence of an answer with the stable `code`."""
    if find_language() == "en":
        return message
    known = ANSWERS.get(code, ())
    field, colon, rest = message.partition(": ")
    # The API puts the name of a field before what is wrong with it.
    bare = rest if colon and field.isidentifier() else message
    return _find(bare, known) or (gettext(known[0]) if known else message)


def translate_record(sentence: str | None) -> str:
    """A record's reason, or a warning about its image; "" for none."""
    if not sentence or find_language() == "en":
        return sentence or ""
    return _find(sentence, RECORDED) or sentence


def _find(sentence: str, known: tuple[str, ...]) -> str | None:
    for text in known:
        if (found := match_text(text, sentence)) is not None:
            values = {name: translate_part(value) for name, value in found.items()}
            return gettext(text, **values)
    return None


def match_text(text: str, sentence: str) -> dict[str, str] | None:
    """The values that make `sentence` of a text of the catalogue; None if none do."""
    found = _compile(text).fullmatch(sentence)
    return found.groupdict() if found else None


def translate_part(value: str) -> str:
    """A number, or words of a closed list."""
    return translate(value) if value in PARTS else value


@cache
def _compile(text: str) -> re.Pattern[str]:
    return re.compile(PLACEHOLDER.sub(r"(?P<\1>.+?)", re.escape(text)))
