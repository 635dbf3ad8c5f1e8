"""Keys for programs: each has a name and rights, is shown once, and can be revoked.

A key has 256 random bits, so its digest needs no salt: whoever reads Redis cannot find the key.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.tokens import digest_token
from pneumonia_api.roles import NAMED, NODE, Caller, Right

PREFIX = "pdk_"
"""How each key begins, so that a search for secrets finds one that ended up in a file."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
"""A name that can stand in a URL, a log line and a column of the worklist."""

USE_STEP = timedelta(minutes=1)
"""How exactly the last use is known; each step is a write to Redis."""


class NameTaken(ValueError):
    """There is a key with this name."""


class KeyMissing(LookupError):
    """There is no key with this name; it may have been revoked."""


@dataclass(frozen=True)
class MachineKey:
    """A key without the key itself. Times are ISO 8601, UTC; `used` is "" until it was used."""

    name: str
    rights: frozenset[Right]
    by: str
    at: str
    used: str


class MachineKeys:
    """Creates, finds and revokes keys."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def create(self, name: str, rights: Iterable[Right], *, by: str, at: datetime) -> str:
        """The new key, which is stored nowhere. Raises NameTaken, or ValueError for a bad name.

        That of the DICOM node is always taken.
        """
        if not NAME.fullmatch(name):
            raise ValueError(name)
        if NAMED + name == NODE:
            raise NameTaken(name)
        key = PREFIX + secrets.token_urlsafe(32)
        digest = digest_token(key)
        chosen = frozenset(rights)
        fields = {
            "name": name,
            "rights": " ".join(right for right in Right if right in chosen),
            "by": by,
            "at": _write(at),
        }

        def create(pipe: redis.client.Pipeline) -> bool:
            taken = pipe.hget(keys.MACHINES, name)
            pipe.multi()
            if taken is None:
                pipe.hset(keys.MACHINES, name, digest)
                pipe.hset(keys.machine(digest), mapping=fields)
            return taken in (None, digest)  # its own: an earlier attempt, whose reply was lost

        if not self._redis.transaction(create, keys.MACHINES, value_from_callable=True):
            raise NameTaken(name)
        return key

    def list_all(self) -> list[MachineKey]:
        """All keys, by name."""
        named = self._redis.hgetall(keys.MACHINES)
        with self._redis.pipeline(transaction=False) as pipe:
            for name in sorted(named):
                pipe.hgetall(keys.machine(named[name]))
            return [_read(values) for values in pipe.execute() if values]

    def revoke(self, name: str) -> None:
        """Delete a key: the next request with it is refused. Raises KeyMissing."""

        tried = False

        def revoke(pipe: redis.client.Pipeline) -> bool:
            nonlocal tried
            digest = pipe.hget(keys.MACHINES, name)
            pipe.multi()
            if digest is None:
                return tried  # by an earlier attempt, whose reply was lost
            tried = True
            pipe.hdel(keys.MACHINES, name)
            pipe.delete(keys.machine(digest))
            return True

        if not self._redis.transaction(revoke, keys.MACHINES, value_from_callable=True):
            raise KeyMissing(name)

    def find_caller(self, key: str, at: datetime) -> Caller | None:
        """The program with this key, and notes that it was used; None for an unknown key."""
        if not key.startswith(PREFIX):
            return None
        digest = digest_token(key)
        values = self._redis.hgetall(keys.machine(digest))
        if not values:
            return None
        found = _read(values)
        if not found.used or at - datetime.fromisoformat(found.used) >= USE_STEP:
            self._note_use(digest, at)
        return Caller(NAMED + found.name, rights=found.rights)

    def _note_use(self, digest: str, at: datetime) -> None:
        key = keys.machine(digest)

        def note(pipe: redis.client.Pipeline) -> None:
            exists = bool(pipe.exists(key))
            pipe.multi()
            if exists:  # else it has just been revoked, and must not come back
                pipe.hset(key, "used", _write(at))

        self._redis.transaction(note, key)


def _read(values: dict[str, str]) -> MachineKey:
    written = values["rights"].split()
    rights = frozenset(right for right in Right if right in written)
    return MachineKey(values["name"], rights, values["by"], values["at"], values.get("used", ""))


def _write(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
