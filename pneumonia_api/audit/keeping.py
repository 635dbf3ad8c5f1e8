"""What the writer does besides writing: checks the chain, and removes what is too old."""

import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis

from pneumonia_api.audit.chain import Link, order
from pneumonia_api.audit.folder import list_files, read_last, sync_folder
from pneumonia_api.audit.head import keep_checked, keep_removed, read_head
from pneumonia_api.audit.verify import verify
from pneumonia_api.records import keys

log = logging.getLogger(__name__)

CHECK_SECONDS = 3600
"""How often the writer checks its own files, besides at its start."""

SHOWN_DAYS = 30
"""How long an entry stays in the stream after it became a line: what the page shows."""


class Keeper:
    """Checks and removes, once in CHECK_SECONDS."""

    def __init__(self, client: redis.Redis, folder: Path, days: int) -> None:
        self._redis = client
        self._folder = folder
        self._days = days
        self._next = 0.0

    def keep(self) -> None:
        """Do what is due. Raises OSError or RedisError."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + CHECK_SECONDS
        now = datetime.now(UTC)
        remove_old(self._redis, self._folder, self._days, now)
        shorten_stream(self._redis, now)
        check(self._redis, self._folder)


def check(client: redis.Redis, folder: Path) -> int:
    """Check the chain and keep how many faults it has, for the metric; log each."""
    verdict = verify(folder, read_head(client))
    for fault in verdict.faults:
        log.error("the audit is not whole: %s", fault)
    keep_checked(client, len(verdict.faults))
    return len(verdict.faults)


def remove_old(client: redis.Redis, folder: Path, days: int, now: datetime) -> int:
    """Remove the files whose last line is older than `days`; how many. With 0 days none ever is.

    Always whole files, from the oldest on and never the last. Redis keeps the last line of them
    first, so that the rest is still a chain.
    """
    if not days:
        return 0
    count, before = 0, int((now - timedelta(days=days)).timestamp() * 1000)
    for file in list_files(folder)[:-1]:
        last: Link | None = read_last(file)
        if last is None or order(last.entry)[0] >= before:
            break
        keep_removed(client, last)
        file.unlink()
        sync_folder(folder)
        count += 1
    if count:
        log.info("removed %d files of the audit that were older than %d days", count, days)
    return count


def shorten_stream(client: redis.Redis, now: datetime) -> None:
    """Remove entries that became lines more than SHOWN_DAYS ago; never one that has not."""
    head = read_head(client)
    if head is None:
        return
    before = int((now - timedelta(days=SHOWN_DAYS)).timestamp() * 1000)
    oldest = min((before, 0), order(head.last.entry))
    client.xtrim(keys.AUDIT, minid=f"{oldest[0]}-{oldest[1]}", approximate=True)
