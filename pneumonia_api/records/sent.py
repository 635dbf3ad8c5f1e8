"""Uploads that carry an idempotency key: sent again, they are the upload that they were.

As in draft-ietf-httpapi-idempotency-key-header: the sender makes a key for each upload, and keeps
it until it has heard an answer. Which record a key stands for is written in the transaction that
writes the record, so an API that dies in between leaves neither.
"""

import hashlib
import re

import redis

from pneumonia_api.records.xrays import XrayMissing, XrayRecord, XrayStore

KEPT_SECONDS = 24 * 3600
"""How long a key is known; far longer than a person or a script tries again."""

# A string in quotes, as the draft has it, or bare, as most services take it.
_KEY = re.compile(r'"(?P<quoted>[!#-\[\]-~]{1,128})"|(?P<bare>[!#-\[\]-~]{1,128})', re.ASCII)


class BadKey(RuntimeError):
    """The header is no idempotency key."""


class KeyReused(RuntimeError):
    """The key was sent with other bytes."""


def name_key(caller: str, header: str | None) -> str | None:
    """The Redis key of a caller's idempotency key, None without one. Raises BadKey."""
    if header is None:
        return None
    if not (found := _KEY.fullmatch(header)):
        raise BadKey
    text = f"{caller}\n{found['quoted'] or found['bare']}"
    return f"sent:{hashlib.sha256(text.encode()).hexdigest()}"


class SentUploads:
    """What was accepted under which key."""

    def __init__(self, client: redis.Redis, xrays: XrayStore) -> None:
        self._redis = client
        self._xrays = xrays

    def find(self, name: str | None, digest: str) -> XrayRecord | None:
        """The record that was accepted under the key, unless it was deleted or failed.

        Raises KeyReused.
        """
        return self._read(self._redis.get(name), digest) if name else None

    def add(self, xray: XrayRecord, name: str | None) -> XrayRecord:
        """Store a new record under the key; returns the one that stands for the key now.

        That is another one when the same upload was accepted meanwhile. Raises KeyReused.
        """
        if name is None:
            self._xrays.add(xray)
            return xray

        def add(pipe: redis.client.Pipeline) -> XrayRecord:
            # Its own: the connection ended before the answer to a transaction that was done.
            if earlier := self._read(pipe.get(name), xray.digest):
                return earlier
            pipe.multi()
            pipe.set(name, f"{xray.id} {xray.digest}", ex=KEPT_SECONDS)
            self._xrays.stage(pipe, xray)
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
        # It failed on our side, and its sender was asked to send it again.
        return None if xray.status == "failed" else xray
