"""Writes the entries of the stream as lines: each once, whatever kills this process or Redis.

The order is: line on the disk, then its entry confirmed and the head kept in one transaction. A
process that died in between finds its line again, and only confirms it.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis

from pneumonia_api.audit.chain import START, Link, NotALine, order, write_line
from pneumonia_api.audit.folder import Appender, cut_torn_line, find_line, find_tail, list_files
from pneumonia_api.audit.head import CONSUMER, GROUP, Head, keep_head, read_head
from pneumonia_api.records import keys

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Entries that are written with one sync."""

BLOCK_MS = 1000

Entries = Sequence[tuple[str, Mapping[str, str]]]


class Writer:
    """Writes into one folder, which nobody else writes into (`folder.lock_folder`)."""

    def __init__(self, client: redis.Redis, folder: Path) -> None:
        self._redis = client
        self._folder = folder
        self._appender = Appender(folder)
        self._last = START
        self._has_left_over = True

    def recover(self) -> None:
        """Find where the chain ends, by files and head. Raises OSError or RedisError.

        If the files lack lines, or have a last line that is none, the chain goes on from the head
        in a new file: the gap stays there for `verify` to find.
        """
        for file in list_files(self._folder)[-1:]:
            if torn := cut_torn_line(file):
                log.warning("removed %d bytes of a line that was not finished", torn)
        head = read_head(self._redis)
        self._last = self._choose(head)
        self._has_left_over = True
        try:
            self._redis.xgroup_create(keys.AUDIT, GROUP, id=self._last.entry, mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        if head is None or head.last != self._last:
            keep_head(self._redis, self._last)

    def _choose(self, head: Head | None) -> Link:
        """The line to go on from."""
        try:
            tail = find_tail(self._folder)
            if head is None:
                if tail:
                    log.error("Redis has lost the head of the audit; going on from the files")
                return tail or START
            if tail and tail.seq >= head.last.seq and self._has(head.last):
                return tail  # also lines whose entries were not confirmed
        except NotALine:
            log.error("the last line of the audit cannot be read")
            if head is None:
                raise
        if head.last.seq:
            log.error("the files of the audit do not end with line %d", head.last.seq)
            self._appender.begin_anew()
        return head.last

    def _has(self, link: Link) -> bool:
        """Whether the files have exactly this line, which is one of the last."""
        if not link.seq:
            return True
        for file in reversed(list_files(self._folder)):
            if int(file.stem[-12:]) <= link.seq:
                return find_line(file, link.seq) == link
        return False

    def write_some(self) -> int:
        """Write what is there, or wait for BLOCK_MS; how many lines.

        Raises OSError or RedisError.
        """
        entries = self._take()
        new = [each for each in entries if order(each[0]) > order(self._last.entry)]
        last, lines = self._last, []
        for entry, fields in new:
            line, last = write_line(last, entry, fields)
            lines.append((line, last))
        if lines:
            self._appender.append(lines)
        if entries:
            self.confirm(last, [entry for entry, _ in entries])
        self._last = last
        return len(lines)

    def confirm(self, last: Link, entries: Sequence[str]) -> None:
        """The lines of these entries are on the disk."""
        keep_head(self._redis, last, entries)

    def _take(self) -> Entries:
        """What an earlier process took and did not confirm, then what is new."""
        while True:
            start = "0" if self._has_left_over else ">"
            answer = self._redis.xreadgroup(
                GROUP, CONSUMER, {keys.AUDIT: start}, count=AT_ONCE, block=BLOCK_MS
            )
            found: Entries = answer[0][1] if answer else []
            if found or start == ">":
                return found
            self._has_left_over = False
