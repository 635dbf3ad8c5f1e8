"""The index by which an upload of known bytes gets the prediction that its model made before.

The records of a model are spread over hashes by the first digits of their digests. A hash so small
takes a third of the memory of a key for each record.
"""

from dataclasses import dataclass

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayRecord

BUCKET_DIGITS = 3
"""4,096 hashes a model, which keep the compact form up to two million records."""

FIELD_DIGITS = 16
"""Enough to tell records apart; who reads the record compares the whole digest."""


@dataclass(frozen=True)
class ReuseEntry:
    """Where the index has the record of these bytes, judged by this model."""

    digest: str
    model: str

    @property
    def key(self) -> str:
        """The hash that has the entry."""
        return keys.reuse(self.model, self.digest[:BUCKET_DIGITS])

    @property
    def field(self) -> str:
        """The entry's field in the hash."""
        return self.digest[BUCKET_DIGITS : BUCKET_DIGITS + FIELD_DIGITS]

    @property
    def previous_key(self) -> str:
        """The key that the previous release wrote instead."""
        return keys.previous_reuse(self.digest, self.model)

    def read(self, client: redis.Redis) -> list[str]:
        """Ids of records that may have these bytes, the likeliest first."""
        with client.pipeline(transaction=False) as pipe:
            pipe.hget(self.key, self.field)
            pipe.get(self.previous_key)
            return [xray_id for xray_id in pipe.execute() if xray_id]

    def write(self, pipe: redis.client.Pipeline, xray_id: str) -> None:
        """Enter a record, in place of an earlier one, as part of the transaction of `pipe`."""
        pipe.hset(self.key, self.field, xray_id)

    def watch(self, pipe: redis.client.Pipeline, xray_id: str) -> "Entered":
        """Where the record is entered, watched until the transaction of `pipe`."""
        pipe.watch(self.key, self.previous_key)
        return Entered(
            self,
            in_hash=pipe.hget(self.key, self.field) == xray_id,
            in_key=pipe.get(self.previous_key) == xray_id,
        )


@dataclass(frozen=True)
class Entered:
    """Where the index has a record; nowhere if a later record has the same bytes."""

    entry: ReuseEntry
    in_hash: bool
    in_key: bool

    def remove(self, pipe: redis.client.Pipeline) -> None:
        """Remove the record, as part of the transaction of `pipe`."""
        if self.in_hash:
            pipe.hdel(self.entry.key, self.entry.field)
        if self.in_key:
            pipe.delete(self.entry.previous_key)


def entry_of(xray: XrayRecord) -> ReuseEntry | None:
    """The entry of a record; None if it has no prediction."""
    return ReuseEntry(xray.digest, xray.prediction.model) if xray.prediction else None
