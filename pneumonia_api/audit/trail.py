"""Reads what the stream still has of the audit, the newest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import redis

from pneumonia_api.audit.chain import write_moment
from pneumonia_api.records import keys

CHUNK = 1000
"""Entries that are read at once."""


@dataclass(frozen=True)
class Wanted:
    """Which entries: by who did it, what, which X-ray, and days (UTC, both included)."""

    who: str | None = None
    action: str | None = None
    xray: str | None = None
    since: date | None = None
    until: date | None = None

    def has(self, fields: Mapping[str, str]) -> bool:
        """Whether an entry is wanted, by all but its time."""
        asked = {"who": self.who, "action": self.action, "xray": self.xray}
        return all(fields.get(name) == value for name, value in asked.items() if value)


def list_entries(
    client: redis.Redis, wanted: Wanted, before: str | None = None
) -> Iterator[dict[str, str]]:
    """The entries, with `id` and `at`; only those older than the entry `before`.

    Raises RedisError.
    """
    last = f"({before}" if before else _end_of(wanted.until)
    first = _start_of(wanted.since)
    while found := client.xrevrange(keys.AUDIT, max=last, min=first, count=CHUNK):
        for entry, fields in found:
            if wanted.has(fields):
                yield {"id": entry, "at": write_moment(entry), **fields}
        last = f"({found[-1][0]}"


def read_page(
    client: redis.Redis, wanted: Wanted, before: str | None, limit: int
) -> tuple[list[dict[str, str]], str | None]:
    """At most `limit` entries, and after which one the next page begins; None after the last."""
    found = [*islice(list_entries(client, wanted, before), limit + 1)]
    return found[:limit], found[limit - 1]["id"] if len(found) > limit else None


def _start_of(day: date | None) -> str:
    return "-" if day is None else str(_count_ms(day))


def _end_of(day: date | None) -> str:
    return "+" if day is None else str(_count_ms(day + timedelta(days=1)) - 1)


def _count_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
