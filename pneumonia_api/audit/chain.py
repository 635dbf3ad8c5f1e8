"""One line of the audit: JSON that names the digest of the line before it.

A line follows from the line before it and an entry of the stream alone, so a line that is written
twice is the same line.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

NO_DIGEST = "0" * 64
"""What the first line names as the digest of the line before it."""

_FIRST = re.compile(rb'\{"seq":([1-9][0-9]{0,17}),"prev":"([0-9a-f]{64})","id":"([0-9]+-[0-9]+)",')
_ENTRY = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")


class NotALine(ValueError):
    """The text is no line of the audit."""


@dataclass(frozen=True)
class Link:
    """What the next line needs to know of a line.

    `seq` counts from 1; `digest` is the SHA-256 of the line without its newline; `entry` is the id
    of the stream's entry, milliseconds and a number.
    """

    seq: int
    digest: str
    entry: str


START = Link(0, NO_DIGEST, "0-0")
"""Before the first line."""


@dataclass(frozen=True)
class Line:
    """What a line states of itself and of the line before it."""

    link: Link
    prev: str


def write_line(before: Link, entry: str, fields: Mapping[str, str]) -> tuple[bytes, Link]:
    """The line of an entry, with its newline, and its link. Empty fields are left out."""
    values = {
        "seq": before.seq + 1,
        "prev": before.digest,
        "id": entry,
        "at": write_moment(entry),
        **{name: value for name, value in fields.items() if value},
    }
    line = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    return line + b"\n", Link(before.seq + 1, digest_line(line), entry)


def read_line(line: bytes) -> Line:
    """A line without its newline. Raises NotALine."""
    found = _FIRST.match(line)
    if not found or not line.endswith(b"}"):
        raise NotALine
    seq, prev, entry = int(found[1]), found[2].decode(), found[3].decode()
    return Line(Link(seq, digest_line(line), entry), prev)


def read_fields(line: bytes) -> dict[str, Any]:
    """Everything that a line says. Raises NotALine."""
    try:
        values = json.loads(line)
    except ValueError as error:
        raise NotALine from error
    if not isinstance(values, dict):
        raise NotALine
    return values


def digest_line(line: bytes) -> str:
    """SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(line).hexdigest()


def order(entry: str) -> tuple[int, int]:
    """By which the ids of entries are in order of time. Raises ValueError."""
    found = _ENTRY.fullmatch(entry)
    if not found:
        raise ValueError(entry)
    return int(found[1]), int(found[2])


def write_moment(entry: str) -> str:
    """When an entry was added: ISO 8601, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(order(entry)[0] / 1000, UTC)
    return moment.isoformat(timespec="milliseconds")


def name_file(first: Link) -> str:
    """The name of the file that begins with this line: its month and its number."""
    moment = datetime.fromtimestamp(order(first.entry)[0] / 1000, UTC)
    return f"audit-{moment:%Y-%m}-{first.seq:012}.jsonl"
