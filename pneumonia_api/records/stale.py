"""Removes index entries that their records do not have.

This release changes a record and its indexes in one transaction. A host of the previous release
does not know the indexes: a record that it deletes leaves its words, which are a patient's data,
and one that it reviews leaves the words of the earlier note, and returns to the lists even if it
was deleted meanwhile.
"""

import json
from collections.abc import Callable, Sequence

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.lists import LISTS
from pneumonia_api.records.words import words_of

CHUNK = 500
"""Entries that are looked up at once."""


def remove_stale(client: redis.Redis, ended: Callable[[], bool]) -> int:
    """Look up every entry, unless `ended`, which is asked between chunks; returns how many went.

    Safe to interrupt, and to run twice at once. Raises RedisError.
    """
    removed = 0
    for index in (keys.WORDS, keys.XRAYS, keys.SUSPICION, *LISTS):
        cursor = None
        while cursor != 0 and not ended():
            cursor, scores = client.zscan(index, cursor or 0, count=CHUNK)
            removed += _remove(client, index, [member for member, _ in scores])
    return removed


def _remove(client: redis.Redis, index: str, members: Sequence[str]) -> int:
    """Remove those of `members` that are stale, each of which is looked up once more."""
    with client.pipeline(transaction=False) as pipe:
        for member in members:
            _ask(pipe, member)
        records = zip(members, pipe.execute(), strict=True)
    stale = [member for member, record in records if _is_stale(member, record)]
    if not stale:
        return 0

    def remove(pipe: redis.client.Pipeline) -> int:
        still = [member for member in stale if _is_stale(member, _ask(pipe, member))]
        pipe.multi()
        if still:
            pipe.zrem(index, *still)
        return len(still)

    watched = [keys.xray(_id_in(member)) for member in stale]
    return int(client.transaction(remove, *watched, value_from_callable=True))


def _id_in(member: str) -> str:
    return member.rpartition("\0")[2]


def _ask(pipe: redis.client.Pipeline, member: str) -> list[str | None]:
    """What of the entry's record says whether it is stale; in a pipeline it comes later."""
    return pipe.hmget(keys.xray(_id_in(member)), "status", "reference", "review", "deletion")


def _is_stale(member: str, record: Sequence[str | None]) -> bool:
    """Whether the record is gone or deleted, or does not have the word of the entry."""
    status, reference, review, deletion = record
    if status is None or deletion:
        return True
    word, is_word, xray_id = member.rpartition("\0")
    note = json.loads(review)["note"] if review else ""
    return bool(is_word) and word not in words_of(xray_id, reference or "", note)
