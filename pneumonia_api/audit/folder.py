"""The files of the audit: one for each month, lines are only added, and each is on the disk."""

import fcntl
import os
import re
from collections.abc import Sequence
from pathlib import Path

from pneumonia_api.audit.chain import Link, name_file, read_line

NAME = re.compile(r"audit-(?P<month>[0-9]{4}-[0-9]{2})-(?P<first>[0-9]{12})\.jsonl")

BLOCK = 64 * 1024
"""Bytes that are read at a time from the end; far more than a line."""


class FolderInUse(RuntimeError):
    """Another process writes into the folder."""


def list_files(folder: Path) -> list[Path]:
    """The files of the chain, in its order."""
    found = [(match["first"], path) for path in folder.iterdir() if (match := _match(path))]
    return [path for _, path in sorted(found)]


def read_month(file: Path) -> str:
    """The month of a file, such as 2026-11, by its name."""
    match = _match(file)
    return match["month"] if match else ""


def _match(path: Path) -> re.Match[str] | None:
    return NAME.fullmatch(path.name)


def lock_folder(folder: Path) -> int:
    """Create the folder if it is missing, and have it alone until this process ends.

    Raises FolderInUse.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise FolderInUse(f"another process writes into {folder}.") from error
    return lock


def cut_torn_line(file: Path) -> int:
    """Cut off what follows the last newline; how many bytes.

    A process or a machine that died while it wrote leaves the beginning of a line, which was never
    confirmed; its entry is delivered again.
    """
    data = _read_end(file, b"\n", 1)
    torn = len(data) - (data.rfind(b"\n") + 1)
    if torn:
        with file.open("r+b") as opened:
            opened.truncate(file.stat().st_size - torn)
            os.fsync(opened.fileno())
    return torn


def read_last(file: Path) -> Link | None:
    """The last line of a file; None if it has none. Raises NotALine."""
    lines = _read_end(file, b"\n", 2).split(b"\n")
    return read_line(lines[-2]).link if len(lines) > 1 else None


def find_line(file: Path, seq: int) -> Link | None:
    """The line with this number; None if the file has none. Raises NotALine."""
    with file.open("rb") as lines:
        for raw in lines:
            if (link := read_line(raw.rstrip(b"\n")).link).seq == seq:
                return link
    return None


def _read_end(file: Path, mark: bytes, count: int) -> bytes:
    """The end of a file with at least `count` marks, or all of it."""
    with file.open("rb") as opened:
        left, data = opened.seek(0, os.SEEK_END), b""
        while left and data.count(mark) < count:
            start = max(0, left - BLOCK)
            opened.seek(start)
            data = opened.read(left - start) + data
            left = start
    return data


class Appender:
    """Adds lines to the file of their month. Use it for one folder in one process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: Path | None = None
        files = list_files(folder)
        if files:
            self._file = files[-1]

    def begin_anew(self) -> None:
        """Begin another file with the next line."""
        self._file = None

    def append(self, lines: Sequence[tuple[bytes, Link]]) -> None:
        """Add lines, which are on the disk on return. Raises OSError: then some may be there."""
        start = 0
        while start < len(lines):
            month = name_file(lines[start][1])[: len("audit-2026-11")]
            same = start
            while same < len(lines) and name_file(lines[same][1]).startswith(month):
                same += 1
            if self._file is None or not self._file.name.startswith(month):
                self._file = self._folder / name_file(lines[start][1])
            self._add(self._file, b"".join(line for line, _ in lines[start:same]))
            start = same

    def _add(self, file: Path, data: bytes) -> None:
        is_new = not file.exists()
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(descriptor)
        if is_new:
            sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Have the names of new files and the absence of removed ones on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find_tail(folder: Path) -> Link | None:
    """The last line of the chain in a folder; None without one. Raises NotALine."""
    for file in reversed(list_files(folder)):
        if last := read_last(file):
            return last
    return None
