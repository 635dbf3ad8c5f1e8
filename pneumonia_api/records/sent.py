"""Uploads with an idempotency key: one that is sent again gets the record of the first.

As in draft-ietf-httpapi-idempotency-key-header: the sender makes a key for each upload, and repeats
it until a response arrives. One transaction writes the record and its key, so an API that dies
leaves both or neither.
"""

import hashlib
import re

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayMissing, XrayRecord
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.roles import ENTITY

KEPT_SECONDS = 24 * 3600
"""How long a key is kept; far longer than a person or a script retries."""

OBJECT_KEPT_SECONDS = 30 * KEPT_SECONDS
"""That of a DICOM object: a PACS sends what it could not send before a weekend, or all of a study
again when one film is added."""

# A quoted string, as the draft has it, or bare, as most services accept it.
_KEY = re.compile(r'"(?P<quoted>[!#-\[\]-~]{1,128})"|(?P<bare>[!#-\[\]-~]{1,128})', re.ASCII)


class BadKey(RuntimeError):
    """The header is not a valid idempotency key."""


class KeyReused(RuntimeError):
    """The key was sent before with different bytes."""


def check_key(header: str | None) -> str | None:
    """The idempotency key of a header, None without one. Raises BadKey."""
    if header is None:
        return None
    if not (found := _KEY.fullmatch(header)):
        raise BadKey
    return found["quoted"] or found["bare"]


def name_key(caller: str, header: str | None) -> str | None:
    """The Redis key of a caller's idempotency key, None without one. Raises BadKey."""
    if (key := check_key(header)) is None:
        return None
    text = f"{caller}\n{key}"
    return keys.sent(hashlib.sha256(text.encode()).hexdigest())


class SentUploads:
    """Which record each key stands for."""

    def __init__(self, client: redis.Redis, xrays: XrayStore) -> None:
        self._redis = client
        self._xrays = xrays

    def find(self, name: str | None, digest: str) -> XrayRecord | None:
        """The record accepted under the key, unless it was deleted or has failed.

        Raises KeyReused.
        """
        return self._read(self._redis.get(name), digest) if name else None

    def add(self, xray: XrayRecord, name: str | None, task: str | None = None) -> XrayRecord:
        """Store a new record under the key with its task, and return the key's record.

        That is another one if the same upload was accepted in the meantime. Raises KeyReused.
        """
        if name is None:
            self._xrays.add(xray, task)
            return xray

        def add(pipe: redis.client.Pipeline) -> XrayRecord:
            # `earlier` may be this very record: the transaction was committed, the reply lost.
            if earlier := self._read(pipe.get(name), xray.digest):
                return earlier
            pipe.multi()
            kept = OBJECT_KEPT_SECONDS if xray.source.startswith(ENTITY) else KEPT_SECONDS
            pipe.set(name, f"{xray.id} {xray.digest}", ex=kept)
            self._xrays.stage(pipe, xray, task)
            return xray

        stored: XrayRecord = self._redis.transaction(add, name, value_from_callable=True)
        return stored

    def _read(self, stored: str | None, digest: str) -> XrayRecord | None:
        if not stored:
            return None
        xray_id, _, sent = stored.partition(" ")
        if sent != digest:
            raise KeyReused
        try:
            xray = self._xrays.get(xray_id)
        except XrayMissing:
            return None
        # A fault on our side; the sender was asked to send the X-ray again.
        return None if xray.status == "failed" else xray
