"""What Redis keeps of the chain, outside of its files: how far it goes, and where it begins.

A cut at the end of the files is found by that.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from pneumonia_api.audit.chain import NO_DIGEST, START, Link
from pneumonia_api.records import keys

GROUP = "lines"
CONSUMER = "writer"
"""One name for every process that ever writes, so that each gets what an earlier one left over."""


@dataclass(frozen=True)
class Head:
    """The last line that was written, and the last one that was removed because of its age."""

    last: Link
    removed: Link


def read_head(client: redis.Redis) -> Head | None:
    """What is kept; None if nothing was written yet, or Redis has lost it."""
    values = client.hgetall(keys.AUDIT_HEAD)
    if "seq" not in values:
        return None
    removed = Link(
        int(values.get("removed_seq", 0)), values.get("removed_digest", NO_DIGEST), START.entry
    )
    return Head(Link(int(values["seq"]), values["digest"], values["entry"]), removed)


def keep_head(client: redis.Redis, last: Link, entries: Sequence[str] = ()) -> None:
    """In one transaction, keep the last line and confirm the entries that have become lines."""
    fields = {"seq": str(last.seq), "digest": last.digest, "entry": last.entry}
    with client.pipeline() as pipe:
        pipe.hset(keys.AUDIT_HEAD, mapping=fields)
        if entries:
            pipe.xack(keys.AUDIT, GROUP, *entries)
        pipe.execute()


def keep_removed(client: redis.Redis, last: Link) -> None:
    """Keep the last line that is about to be removed because of its age."""
    fields = {"removed_seq": str(last.seq), "removed_digest": last.digest}
    client.hset(keys.AUDIT_HEAD, mapping=fields)


def keep_checked(client: redis.Redis, faults: int) -> None:
    """Keep what a check of the files has found, and when it was."""
    fields = {"faults": str(faults), "checked": str(int(time.time()))}
    client.hset(keys.AUDIT_HEAD, mapping=fields)
