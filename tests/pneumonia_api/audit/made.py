"""A chain to damage."""

from pathlib import Path

import redis

from pneumonia_api.audit.events import Action, Event, record
from pneumonia_api.audit.folder import list_files
from pneumonia_api.audit.writer import Writer

XRAY = "0" * 32


def add(client: redis.Redis, count: int, who: str = "ann") -> None:
    """Record so many viewings."""
    for number in range(count):
        record(client, Event(Action.SEE_XRAY, who, "clinician", "10.0.0.1", XRAY, str(number)))


def write_all(client: redis.Redis, folder: Path) -> int:
    """Write what is in the stream, as a process that was just started; how many lines."""
    folder.mkdir(exist_ok=True)
    writer, count = Writer(client, folder), 0
    writer.recover()
    while written := writer.write_some():
        count += written
    return count


def read_rows(folder: Path) -> list[bytes]:
    """All lines of all files, with their ends."""
    return [row for file in list_files(folder) for row in file.read_bytes().splitlines(True)]


def put_rows(folder: Path, rows: list[bytes]) -> None:
    """Replace the lines of the only file."""
    [file] = list_files(folder)
    file.write_bytes(b"".join(rows))
