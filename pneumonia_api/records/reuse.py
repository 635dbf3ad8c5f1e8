"""The index by which an upload of known bytes gets the prediction that its model made before.

The records of a model are spread over hashes by the first digits of their digests. A hash so small
takes a third of the memory of a key for each record.
"""

import base64
from dataclasses import dataclass

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.shortening import restore_id, shorten_id

BUCKET_DIGITS = 3
"""4,096 hashes a model, which keep the compact form up to two million records."""

FIELD_DIGITS = 8
"""Digits of the digest that tell apart the records of one hash, in base85 there. Among a million
records 3 % of sites have one pair with the same ones; the later record takes the entry, and whoever
reads the record compares the whole digest."""

EARLIER_DIGITS = 16
"""Of the entries that were written before, in hexadecimal digits, with the id in full."""


@dataclass(frozen=True)
class ReuseEntry:
    """Where the index has the record of these bytes, judged by `judge`.

    That is the version of a model, with the site's profile if one decided (`name_judge`).
    """

    digest: str
    judge: str

    @property
    def key(self) -> str:
        """The hash that has the entry."""
        return keys.reuse(self.judge, self.digest[:BUCKET_DIGITS])

    @property
    def field(self) -> str:
        """The entry's field in the hash."""
        digits = self.digest[BUCKET_DIGITS : BUCKET_DIGITS + FIELD_DIGITS]
        try:
            return base64.b85encode(bytes.fromhex(digits)).decode()
        except ValueError:
            return digits

    @property
    def earlier_field(self) -> str:
        """The field of an entry that was written before."""
        return self.digest[BUCKET_DIGITS : BUCKET_DIGITS + EARLIER_DIGITS]

    @property
    def previous_key(self) -> str:
        """The key that the previous release wrote instead."""
        return keys.previous_reuse(self.digest, self.judge)

    def read(self, client: redis.Redis) -> list[str]:
        """Ids of records that may have these bytes, the likeliest first."""
        with client.pipeline(transaction=False) as pipe:
            pipe.hmget(self.key, self.field, self.earlier_field)
            pipe.get(self.previous_key)
            in_hash, in_key = pipe.execute()
        return [restore_id(text) for text in (*in_hash, in_key) if text]

    def write(self, pipe: redis.client.Pipeline, xray_id: str) -> None:
        """Enter a record, in place of an earlier one, as part of the transaction of `pipe`."""
        pipe.hset(self.key, self.field, shorten_id(xray_id))

    def write_if_free(self, pipe: redis.client.Pipeline, xray_id: str) -> None:
        """The same, unless there is an entry."""
        pipe.hsetnx(self.key, self.field, shorten_id(xray_id))

    def watch(self, pipe: redis.client.Pipeline, xray_id: str) -> "Entered":
        """Where the record is entered, watched until the transaction of `pipe`."""
        pipe.watch(self.key, self.previous_key)
        fields = self.field, self.earlier_field
        found = zip(fields, pipe.hmget(self.key, fields), strict=True)
        return Entered(
            self,
            fields=tuple(name for name, text in found if text and restore_id(text) == xray_id),
            in_key=pipe.get(self.previous_key) == xray_id,
        )


@dataclass(frozen=True)
class Entered:
    """Where the index has a record; nowhere if a later record has the same bytes."""

    entry: ReuseEntry
    fields: tuple[str, ...]
    in_key: bool

    def remove(self, pipe: redis.client.Pipeline) -> None:
        """Remove the record, as part of the transaction of `pipe`."""
        if self.fields:
            pipe.hdel(self.entry.key, *self.fields)
        if self.in_key:
            pipe.delete(self.entry.previous_key)


def entry_of(xray: XrayRecord) -> ReuseEntry | None:
    """The entry of a record; None if it has no prediction."""
    return ReuseEntry(xray.digest, xray.prediction.judge) if xray.prediction else None
