"""A part of a report in words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A heading, what it says in a few large words (may be empty), and its paragraphs."""

    heading: str
    lead: str
    paragraphs: tuple[str, ...]
