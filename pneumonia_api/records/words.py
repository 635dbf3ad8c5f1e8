"""The words by which records are found, and the index of them.

A word is a run of letters and digits, so the reference RX-2026/0042 has three. The index is one
sorted set of `WORD NUL ID`: the records with a word that begins with some text are one range of it,
and those with a whole word are a range that is sorted by time.
"""

import re
import unicodedata
from collections.abc import Sequence

from pneumonia_api.records.record import XrayRecord

SHOWN_DIGITS = 8
"""An X-ray without a reference is listed by the last digits of its id."""

ID_DIGITS = 12
"""From so many digits on, a word also finds the ids that begin with it; fewer are only a time."""

_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> list[str]:
    """The different words of `text`, without regard to case, width of letters and ligatures."""
    return list(dict.fromkeys(_WORD.findall(unicodedata.normalize("NFKC", text).casefold())))


def words_of(xray_id: str, reference: str, note: str) -> list[str]:
    """The words in the index by which a record is found."""
    return split_words(f"{reference or xray_id[-SHOWN_DIGITS:]} {note}")


def entries_of(xray: XrayRecord) -> set[str]:
    """The members of the index that belong to a record."""
    words = words_of(xray.id, xray.reference, xray.review.note if xray.review else "")
    return {f"{word}\0{xray.id}" for word in words}


def has_words(searched: Sequence[str], xray_id: str, reference: str, note: str) -> bool:
    """Whether each of the words `searched` begins a word of the record, or its id."""
    own = words_of(xray_id, reference, note)
    return all(
        any(each.startswith(word) for each in own) or (may_be_id(word) and xray_id.startswith(word))
        for word in searched
    )


def may_be_id(word: str) -> bool:
    """Whether the word is long enough to search for ids that begin with it."""
    return len(word) >= ID_DIGITS
