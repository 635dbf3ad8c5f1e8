"""What is written with a record: its list, its words and its entry for reuse.

Each function adds commands to the transaction of `pipe`, so the indexes change with the record.
"""

from dataclasses import dataclass

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.lists import LISTS, OF_PREVIOUS_RELEASE, list_of
from pneumonia_api.records.record import (
    BATCH_SOURCE,
    XrayRecord,
    fingerprint_of,
    write_hash,
)
from pneumonia_api.records.reuse import Entered, entry_of
from pneumonia_api.records.suspicion import suspicion_of
from pneumonia_api.records.words import entries_of


def put(pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
    """Write the hash of a new or finished record and its index entries."""
    pipe.hset(keys.xray(xray.id), mapping=write_hash(xray))
    enlist(pipe, xray)
    if entry := entry_of(xray):
        entry.write(pipe, xray.id)


def enlist(pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
    """Add a record to its list, to the order by suspicion and to the index of words."""
    pipe.zadd(list_of(xray), {xray.id: 0})
    if (suspicion := suspicion_of(xray)) is not None:
        pipe.zadd(keys.SUSPICION, {xray.id: suspicion})
    if entries := entries_of(xray):
        pipe.zadd(keys.WORDS, dict.fromkeys(entries, 0))


def move(pipe: redis.client.Pipeline, before: XrayRecord, after: XrayRecord) -> None:
    """Change the index entries of a record that was `before` and is now `after`."""
    _unlist(pipe, before)
    enlist(pipe, after)


@dataclass(frozen=True)
class Entries:
    """The entries of a record that another record may have taken over."""

    reuse: Entered | None
    scored: bool


def find_entries(pipe: redis.client.Pipeline, xray: XrayRecord) -> Entries:
    """Those that the record has now, watched until the transaction of `pipe`."""
    entry = entry_of(xray)
    pipe.watch(keys.SCORED)
    scored = pipe.hget(keys.SCORED, fingerprint_of(xray.id)) == xray.id
    return Entries(entry.watch(pipe, xray.id) if entry else None, scored)


def remove(pipe: redis.client.Pipeline, xray: XrayRecord, entries: Entries) -> None:
    """Remove all index entries of a record."""
    pipe.zrem(keys.XRAYS, xray.id)
    pipe.zrem(keys.DELETED, xray.id)
    for name in (keys.PENDING_RESULTS, keys.TRIED_RESULTS, keys.REFUSED_RESULTS):
        pipe.zrem(name, xray.id)
    _unlist(pipe, xray)
    if entries.reuse:
        entries.reuse.remove(pipe)
    if entries.scored:
        pipe.hdel(keys.SCORED, fingerprint_of(xray.id))


def restore(pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
    """Add the index entries of a record that was deleted.

    A later record of the same bytes stays the one that is reused, or that was scored.
    """
    pipe.zrem(keys.DELETED, xray.id)
    pipe.zadd(keys.XRAYS, {xray.id: 0})
    enlist(pipe, xray)
    if entry := entry_of(xray):
        entry.write_if_free(pipe, xray.id)
    if xray.source == BATCH_SOURCE:
        pipe.hsetnx(keys.SCORED, fingerprint_of(xray.id), xray.id)


def _unlist(pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
    for name in (*LISTS, *OF_PREVIOUS_RELEASE, keys.SUSPICION):
        pipe.zrem(name, xray.id)
    if entries := entries_of(xray):
        pipe.zrem(keys.WORDS, *entries)
