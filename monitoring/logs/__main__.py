"""`make logs`: merges all logs of this machine by time and follows them until Ctrl-C.

    python -m monitoring.logs [ID] [--folder var/log]

With the id of a request or an X-ray it shows only the lines of that id, rotated files included.
On a server, where there is no folder of logs, it reads the journal. Needs Python alone.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from monitoring.logs.reading import Choice, Line, read_lines, show

BACKLOG = 50
"""Lines of each file to show at the start."""

POLL_SECONDS = 0.25
ROTATION_SECONDS = 2
JOURNAL = ("journalctl", "--unit=pneumonia-*", "--output=short-iso", "--follow")


def open_rotated(path: Path) -> BinaryIO:
    """Open a log, and wait while it is being rotated and briefly does not exist.

    Raises FileNotFoundError if it does not appear within ROTATION_SECONDS.
    """
    until = time.monotonic() + ROTATION_SECONDS
    while True:
        try:
            return path.open("rb")
        except FileNotFoundError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


class Follower:
    """Reads what is appended to a file, across rotation and truncation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_rotated(path)
        self._rest = b""

    def read(self) -> list[str]:
        """The lines completed since the last call."""
        data = self._rest + self._file.read()
        if self._is_replaced():
            data += self._file.read()  # written before the file was replaced
            self._file.close()
            self._file = open_rotated(self._path)
            data += self._file.read()
        *lines, self._rest = data.split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def changed(self) -> datetime:
        """When the file was last modified."""
        return datetime.fromtimestamp(os.fstat(self._file.fileno()).st_mtime, UTC)

    def _is_replaced(self) -> bool:
        try:
            present = self._path.stat()
        except FileNotFoundError:  # being rotated
            return False
        ours = os.fstat(self._file.fileno())
        return present.st_ino != ours.st_ino or present.st_size < self._file.tell()


def follow_folder(folder: Path, choice: Choice | None) -> Iterator[list[Line]]:
    """Lines of all files in `folder` by time: first the existing ones, then new ones.

    With a `choice`, only the lines that it accepts.
    """
    followers: dict[Path, Follower] = {}
    while True:
        batch: list[Line] = []
        fresh = sorted(set(folder.glob("*.log")) - followers.keys())
        if choice and fresh:
            # A first pass collects request ids: the line that links one to an X-ray may come late.
            for path in fresh:
                deque(filter(choice, read_old(path)), maxlen=0)
        for path in fresh:
            followers[path] = Follower(path)
            old = read_old(path, rotated_only=True) if choice else ()
            texts = list(filter(choice, [*old, *followers[path].read()]))
            if not choice:
                texts = texts[-BACKLOG:]
            changed = followers[path].changed()
            batch += read_lines(texts, path.stem, changed)
        for path in sorted(followers.keys() - set(fresh)):
            texts = list(filter(choice, followers[path].read()))
            batch += read_lines(texts, path.stem, datetime.now(UTC))
        yield sorted(batch, key=lambda line: line.time)
        time.sleep(POLL_SECONDS)


def read_old(path: Path, rotated_only: bool = False) -> Iterator[str]:
    """The lines of a log and its rotated files, from the oldest on."""
    old = sorted(path.parent.glob(f"{path.name}.*"), reverse=True)
    for file in [*old, *([] if rotated_only else [path])]:
        with open_rotated(file) as lines:
            for line in lines:
                yield line.decode(errors="replace").rstrip("\n")


def follow_journal(choice: Choice | None) -> Iterator[list[Line]]:
    """Lines of the services of this host, from the journal."""
    count = "all" if choice else str(BACKLOG)
    with subprocess.Popen(
        [*JOURNAL, f"--lines={count}"], stdout=subprocess.PIPE, text=True, errors="replace"
    ) as journal:
        for text in filter(choice, journal.stdout or ()):
            yield read_lines([text.rstrip("\n")], "", datetime.now(UTC))


def main() -> int:
    """Print until Ctrl-C, or until the reader closes the pipe."""
    parser = argparse.ArgumentParser(prog="make logs", description="Merge all logs by time.")
    parser.add_argument("id", nargs="?", help="of a request or an X-ray: show only its lines")
    parser.add_argument("--folder", type=Path, default=Path("var/log"))
    arguments = parser.parse_args()
    choice = Choice(arguments.id) if arguments.id else None
    if arguments.folder.is_dir():
        batches = follow_folder(arguments.folder, choice)
    else:
        batches = follow_journal(choice)
    # Explicitly: a shell that starts this in the background sets SIGINT to be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    colour = sys.stdout.isatty()
    day: date | None = None
    try:
        for batch in batches:
            for line in batch:
                if (today := line.time.astimezone().date()) != day:
                    day = today
                    print(f"-- {day:%A, %d %B %Y}")
                print(show(line, colour))
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except FileNotFoundError:
        print(f"There are no logs: neither {arguments.folder} nor journalctl.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
