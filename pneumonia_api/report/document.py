"""A document of texts and tables, as plain data: what an API composes and a worker draws."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Heading:
    """A heading of the second level."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Some sentences; `strong` for what the document is about."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Items:
    """A list."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Columns with a head each; the first cell of a row is its head.

    Each row has as many cells as there are heads.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Items | Table

_KINDS = {kind.__name__: kind for kind in (Heading, Paragraph, Items, Table)}


@dataclass(frozen=True)
class Document:
    """What is printed, in reading order; `made` is when (ISO 8601)."""

    title: str
    language: str
    made: str
    blocks: tuple[Block, ...]


def encode(document: Document) -> dict[str, Any]:
    """As JSON has it."""
    blocks = [{"kind": type(each).__name__, **asdict(each)} for each in document.blocks]
    return {**asdict(document), "blocks": blocks}


def decode(values: Mapping[str, Any]) -> Document:
    """What `encode` made. Raises KeyError or TypeError for anything else."""
    return Document(**{**values, "blocks": tuple(_decode(dict(each)) for each in values["blocks"])})


def _decode(values: dict[str, Any]) -> Block:
    kind = _KINDS[values.pop("kind")]
    return kind(**{name: _freeze(each) for name, each in values.items()})


def _freeze(value: Any) -> Any:
    return tuple(map(_freeze, value)) if isinstance(value, list) else value
