"""Sources of ids for a page of the worklist, each newest first, and their merged order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import redis

LAST = b"\xff"
"""Sorts after every member, because no character begins with this byte in UTF-8."""


@dataclass(frozen=True)
class Range:
    """The members PREFIX ID of a sorted set whose scores are all 0."""

    key: str
    prefix: str = ""

    @property
    def bounds(self) -> tuple[bytes, bytes]:
        """Lowest and highest member, as Redis writes them."""
        start = b"[" + self.prefix.encode()
        return start, start + LAST

    def ask(self, pipe: redis.client.Pipeline, before: str | None, count: int) -> None:
        """Add the command that lists the newest `count` members whose id sorts before `before`."""
        lowest, highest = self.bounds
        if before is not None:
            highest = b"(" + f"{self.prefix}{before}".encode()
        pipe.zrange(self.key, highest, lowest, bylex=True, desc=True, offset=0, num=count)


def merge(
    client: redis.Redis, ranges: Sequence[Range], ids: Sequence[str], before: str | None, count: int
) -> Iterator[list[str]]:
    """All ids of `ranges` and all `ids` that sort before `before`, newest first, each once.

    Reads `count` of each source at a time, in one round trip. `ids` are sorted, newest first.
    """
    while True:
        with client.pipeline(transaction=False) as pipe:
            for each in ranges:
                each.ask(pipe, before, count)
            replies = zip(ranges, pipe.execute(), strict=True)
        heads = [[name[len(each.prefix) :] for name in names] for each, names in replies]
        heads.append([each for each in ids if before is None or each < before][:count])
        # What a source has not shown yet sorts before its last id.
        shown = max((head[-1] for head in heads if len(head) == count), default="")
        merged = sorted({each for head in heads for each in head if each >= shown}, reverse=True)
        if not merged:
            return
        yield merged
        before = merged[-1]
