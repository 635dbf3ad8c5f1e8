"""Sources of ids for a page of the worklist, each sorted by time, and their merged order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import gt, lt

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

    def ask(
        self, pipe: redis.client.Pipeline, after: str | None, count: int, *, oldest_first: bool
    ) -> None:
        """Add the command that lists the first `count` members that follow the id `after`.

        In the order by time: the newest first, or the oldest.
        """
        first, last = self.bounds if oldest_first else self.bounds[::-1]
        if after is not None:
            first = b"(" + f"{self.prefix}{after}".encode()
        pipe.zrange(self.key, first, last, bylex=True, desc=not oldest_first, offset=0, num=count)


def merge(
    client: redis.Redis,
    ranges: Sequence[Range],
    ids: Sequence[str],
    after: str | None,
    count: int,
    *,
    oldest_first: bool = False,
) -> Iterator[list[str]]:
    """All ids of `ranges` and all `ids` that follow `after`, newest or oldest first, each once.

    Reads `count` of each source at a time, in one round trip. `ids` are sorted, newest first.
    """
    follows = gt if oldest_first else lt
    ordered = ids[::-1] if oldest_first else ids
    while True:
        with client.pipeline(transaction=False) as pipe:
            for each in ranges:
                each.ask(pipe, after, count, oldest_first=oldest_first)
            replies = zip(ranges, pipe.execute(), strict=True)
        heads = [[name[len(each.prefix) :] for name in names] for each, names in replies]
        heads.append([each for each in ordered if after is None or follows(each, after)][:count])
        # What a source has not shown yet follows its last id.
        lasts = [head[-1] for head in heads if len(head) == count]
        shown = (min if oldest_first else max)(lasts, default=None)
        found = {each for head in heads for each in head}
        merged = sorted(
            (each for each in found if shown is None or not follows(each, shown)),
            reverse=not oldest_first,
        )
        if not merged:
            return
        yield merged
        after = merged[-1]
