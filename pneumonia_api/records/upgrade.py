"""Moves the records of the previous release to the indexes of this one.

The lists of the previous release are the work that is left: a record is taken out of them in the
transaction that writes its new form. So the move may be interrupted at any time, done twice, or
done by two workers at once; and what a host of the previous release still writes meanwhile is moved
by the next call.
"""

import logging
from functools import partial

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.indexes import move
from pneumonia_api.records.lists import OF_PREVIOUS_RELEASE
from pneumonia_api.records.record import XrayRecord, read_hash, write_hash
from pneumonia_api.records.reuse import entry_of

log = logging.getLogger(__name__)

BATCH = 100
"""Records of one transaction, which Redis syncs once; it blocks other callers for some ms."""


def upgrade_batch(client: redis.Redis) -> int:
    """Move up to BATCH records, the newest first; returns how many, 0 when none is left.

    Raises RedisError.
    """
    for name in OF_PREVIOUS_RELEASE:
        if ids := client.zrange(name, 0, BATCH - 1, desc=True):
            client.transaction(partial(_move, ids), *map(keys.xray, ids))
            return len(ids)
    return 0


def _move(ids: list[str], pipe: redis.client.Pipeline) -> None:
    """Write the records `ids`, which the transaction of `pipe` watches, in their new form."""
    hashes = {xray_id: pipe.hgetall(keys.xray(xray_id)) for xray_id in ids}
    records: dict[str, XrayRecord] = {}
    for xray_id, values in hashes.items():
        try:
            records |= {xray_id: read_hash(values)} if values else {}
        except (ValueError, TypeError):  # damaged: it must not hold up all others
            log.exception("the record %s cannot be read, so its indexes are not moved", xray_id)
    entries = {xray_id: entry_of(xray) for xray_id, xray in records.items()}
    entered = {x: entry.watch(pipe, x) for x, entry in entries.items() if entry}
    pipe.multi()
    for name in OF_PREVIOUS_RELEASE:
        pipe.zrem(name, *ids)  # also those that were deleted meanwhile
    for xray_id, xray in records.items():
        # Written from scratch, because Redis never returns a large hash to the compact form.
        pipe.delete(keys.xray(xray_id))
        pipe.hset(keys.xray(xray_id), mapping={**hashes[xray_id], **write_hash(xray)})
        move(pipe, xray, xray)
    for xray_id, where in entered.items():
        if where.in_key:
            where.remove(pipe)
            where.entry.write(pipe, xray_id)
