"""Who may call: the machines' key, and people with sessions in Redis (argon2, revocable tokens)."""

import functools
import hashlib
import hmac
import ipaddress
import secrets

import redis
from apiflask import HTTPTokenAuth
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from monitoring.logs.requests import note

# OWASP's recommended minimum (19 MiB, two passes): the API serves log-ins from a small host.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

MAX_FAILURES = 10
FAILURE_SECONDS = 300

MAX_TRIES = 50
"""Log-ins with one name from all addresses in FAILURE_SECONDS: then it opens only from where its
person logged in lately, so that guesses from many addresses do not lock that person out."""

KNOWN_SECONDS = 30 * 24 * 3600
"""How long an address that a person logged in from is theirs: a month's leave."""

MACHINE = "machine"
"""What callers with the API key are called; no user can have this name."""

bearer = HTTPTokenAuth(
    name="bearer", description="A person's session token, or the key for machines."
)


class WrongPassword(PermissionError):
    """The name or the password is wrong; which of them is not said."""


class TooManyFailures(PermissionError):
    """Too many log-ins failed for this name from this address; they may in FAILURE_SECONDS."""


class Accounts:
    """Users and sessions. Keys are listed in `pneumonia_api.store`."""

    def __init__(self, client: redis.Redis, session_seconds: int) -> None:
        self._redis = client
        self._session_seconds = session_seconds

    def set_password(self, user: str, password: str) -> None:
        """Make the user, or change the password and end every session of theirs."""
        self._end_sessions(user)
        self._redis.hset(f"user:{user}", mapping={"password": _HASHER.hash(password)})

    def exists(self, user: str) -> bool:
        """Whether there is such a user."""
        return bool(self._redis.exists(f"user:{user}"))

    def delete(self, user: str) -> None:
        """Forget a user and end their sessions."""
        self._end_sessions(user)
        self._redis.delete(f"user:{user}")

    def list_users(self) -> list[str]:
        """Names of all users."""
        return sorted(key.removeprefix("user:") for key in self._redis.scan_iter("user:*"))

    def log_in(self, user: str, password: str, address: str) -> str:
        """A new session token. Raises WrongPassword or TooManyFailures.

        Failures count by name and `address`, the client's: by name alone, anybody could lock a
        doctor out.
        """
        place = f"{user}:{find_network(address)}"
        failures, known, everywhere = f"failures:{place}", f"known:{place}", f"tries:{user}"
        # Counted before the password is looked at, so that guesses sent at once count, too.
        with self._redis.pipeline() as pipe:
            for count in (failures, everywhere):
                pipe.set(count, 0, ex=FAILURE_SECONDS, nx=True)
                pipe.incr(count)
            pipe.exists(known)
            _, tries, _, all_tries, is_known = pipe.execute()
        if int(tries) > MAX_FAILURES or (int(all_tries) > MAX_TRIES and not is_known):
            raise TooManyFailures(user)
        # An unknown name costs as much time as a wrong password, so that names cannot be probed.
        stored = self._redis.hget(f"user:{user}", "password") or _unknown_hash()
        try:
            _HASHER.verify(stored, password)
        except (VerificationError, InvalidHashError) as error:
            raise WrongPassword(user) from error
        token = secrets.token_urlsafe(32)
        digest = _digest(token)
        with self._redis.pipeline() as pipe:
            pipe.delete(failures)
            pipe.set(known, 1, ex=KNOWN_SECONDS)
            pipe.set(f"session:{digest}", user, ex=self._session_seconds)
            pipe.sadd(f"sessions:{user}", digest)
            pipe.expire(f"sessions:{user}", self._session_seconds)
            pipe.execute()
        return token

    def find_user(self, token: str) -> str | None:
        """The user of a live session token."""
        user: str | None = self._redis.get(f"session:{_digest(token)}")
        return user

    def log_out(self, token: str) -> None:
        """End one session."""
        self._redis.delete(f"session:{_digest(token)}")

    def _end_sessions(self, user: str) -> None:
        digests = self._redis.smembers(f"sessions:{user}")
        self._redis.delete(f"sessions:{user}", *(f"session:{digest}" for digest in digests))


@bearer.verify_token
def find_caller(token: str) -> str | None:
    """The caller's name, or None for a token that opens nothing."""
    if hmac.compare_digest(token.encode(), current_app.config["API_KEY"].encode()):
        user: str | None = MACHINE
    else:
        user = current_app.extensions["accounts"].find_user(token)
    note(user=user)
    return user


def find_network(address: str) -> str:
    """What counts as one address: of IPv6 the first half, for the rest is its owner's to choose."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


@functools.cache
def _unknown_hash() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
