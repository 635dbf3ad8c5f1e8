"""A writer that kills itself at a chosen moment: python -m ... REDIS_URL FOLDER MOMENT."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import redis

from pneumonia_api.audit.chain import Link
from pneumonia_api.audit.folder import Appender
from pneumonia_api.audit.writer import Writer


def kill() -> None:
    """As the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


class KilledAppender(Appender):
    """Dies before it writes, or within the fifth line."""

    def __init__(self, folder: Path, when: str) -> None:
        super().__init__(folder)
        self._when = when

    def append(self, lines: Sequence[tuple[bytes, Link]]) -> None:
        """Write a part of the lines."""
        if self._when == "before the line":
            kill()
        if self._when == "within the line":
            super().append([*lines[:3], (lines[3][0][:-40], lines[3][1])])
            kill()
        super().append(lines)


class KilledWriter(Writer):
    """Dies instead of confirming."""

    def confirm(self, last: Link, entries: Sequence[str]) -> None:
        """Its lines are on the disk."""
        kill()


if __name__ == "__main__":
    url, folder, when = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    with redis.Redis.from_url(url, decode_responses=True) as client:
        writer = KilledWriter(client, folder)
        writer._appender = KilledAppender(folder, when)
        writer.recover()
        writer.write_some()
