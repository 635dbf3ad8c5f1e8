"""Authentication: an API key for machines; for people argon2 passwords and revocable sessions."""

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
from pneumonia_api.records import keys
from pneumonia_api.silence import note_silence

# OWASP's recommended minimum (19 MiB, two passes): the API serves log-ins from a small host.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

MAX_FAILURES = 10
FAILURE_SECONDS = 300

MAX_TRIES = 50
"""Log-ins with one name from all addresses in FAILURE_SECONDS. Beyond it only addresses from which
the person recently logged in may try, so that a distributed attack does not lock the person out."""

KNOWN_SECONDS = 30 * 24 * 3600
"""How long an address counts as known after a log-in: longer than a holiday."""

MACHINE = "machine"
"""The name of callers with the API key; no user can have it."""

bearer = HTTPTokenAuth(
    name="bearer", description="A person's session token, or the key for machines."
)


class WrongPassword(PermissionError):
    """The name or the password is wrong; the answer does not reveal which."""


LANGUAGES = ("en", "de")
"""Languages of the pages that a person can choose (`pneumonia_web/language.py`)."""


class NotAPerson(PermissionError):
    """The caller has the API key, and so no account; or the account was deleted."""


class NotAnAdmin(PermissionError):
    """The caller may not change what applies to the whole site."""


class TooManyFailures(PermissionError):
    """Too many log-ins with this name failed from this address; locked for FAILURE_SECONDS."""


class Accounts:
    """Users and sessions in Redis."""

    def __init__(self, client: redis.Redis, session_seconds: int) -> None:
        self._redis = client
        self._session_seconds = session_seconds

    def set_password(self, user: str, password: str) -> None:
        """Create the user, or change the password and end all their sessions in one transaction."""
        self._replace(user, _HASHER.hash(password))

    def exists(self, user: str) -> bool:
        """Whether the user exists."""
        return bool(self._redis.exists(keys.user(user)))

    def delete(self, user: str) -> None:
        """Delete a user and end their sessions in one transaction."""
        self._replace(user, None)

    def list_users(self) -> list[str]:
        """The names of all users, sorted."""
        return sorted(
            key.removeprefix(keys.user("")) for key in self._redis.scan_iter(keys.user("*"))
        )

    def log_in(self, user: str, password: str, address: str) -> str:
        """A new session token. Raises WrongPassword or TooManyFailures.

        Failures are counted by name and by `address`, the client's: if they were counted by name
        alone, anyone could lock a doctor out.
        """
        network = find_network(address)
        here, everywhere = keys.tries(user, network), keys.tries_everywhere(user)
        # Counted before the password is verified, so that parallel guesses count, too. Each try has
        # a random name in a set, so that a retry after a lost answer from Redis counts once.
        name = secrets.token_hex(8)
        with self._redis.pipeline() as pipe:
            for tries in (here, everywhere):
                pipe.sadd(tries, name)
                pipe.expire(tries, FAILURE_SECONDS, nx=True)
                pipe.scard(tries)
            pipe.exists(keys.known(user, network))
            _, _, tried, _, _, tried_everywhere, is_known = pipe.execute()
        if tried > MAX_FAILURES or (tried_everywhere > MAX_TRIES and not is_known):
            raise TooManyFailures(user)
        token = secrets.token_urlsafe(32)
        stored = self._verify(user, password)
        while not self._open_session(user, stored, token, network):
            stored = self._verify(user, password)  # the password has just changed
        return token

    def _verify(self, user: str, password: str) -> str:
        """The stored hash if the password matches it. Raises WrongPassword."""
        # An unknown name takes as long as a wrong password, so that timing does not reveal names.
        stored = self._redis.hget(keys.user(user), "password") or _unknown_hash()
        try:
            _HASHER.verify(stored, password)
        except (VerificationError, InvalidHashError) as error:
            raise WrongPassword(user) from error
        return str(stored)

    def _open_session(self, user: str, stored: str, token: str, network: str) -> bool:
        """Open a session if `stored` is still the user's hash; whether it was."""
        account, digest = keys.user(user), _digest(token)

        def open_session(pipe: redis.client.Pipeline) -> bool:
            unchanged = bool(pipe.hget(account, "password") == stored)
            pipe.multi()
            if unchanged:
                pipe.delete(keys.tries(user, network))
                pipe.set(keys.known(user, network), 1, ex=KNOWN_SECONDS)
                pipe.set(keys.session(digest), user, ex=self._session_seconds)
                pipe.sadd(keys.sessions(user), digest)
                pipe.expire(keys.sessions(user), self._session_seconds)
            return unchanged

        return bool(self._redis.transaction(open_session, account, value_from_callable=True))

    def find_user(self, token: str) -> str | None:
        """The user of a session token; None if it is unknown or has expired.

        A session ends `session_seconds` after its last use. It is extended once less than half of
        that is left, so that few requests write.
        """
        session = keys.session(_digest(token))
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(session)
            pipe.ttl(session)
            user, left = pipe.execute()
        if user and left < self._session_seconds / 2:
            with self._redis.pipeline() as pipe:
                # Both or neither: a password change ends the sessions that the set names.
                pipe.expire(session, self._session_seconds)
                pipe.expire(keys.sessions(user), self._session_seconds)
                pipe.execute()
        return str(user) if user else None

    def reads_first(self, user: str) -> bool:
        """Whether the user wants to see AI results only after their own reading."""
        return bool(self._redis.hget(keys.user(user), "reads_first") == "1")

    def set_reads_first(self, user: str, reads_first: bool) -> None:
        """Store it. Raises NotAPerson if there is no such user."""
        self._set(user, "reads_first", str(int(reads_first)))

    def language(self, user: str) -> str:
        """The language that the user chose for the pages; "" is the browser's."""
        return str(self._redis.hget(keys.user(user), "language") or "")

    def set_language(self, user: str, language: str) -> None:
        """Store it. Raises NotAPerson if there is no such user."""
        self._set(user, "language", language)

    def is_admin(self, user: str) -> bool:
        """Whether the user may change what applies to the whole site."""
        return bool(self._redis.hget(keys.user(user), "admin") == "1")

    def set_admin(self, user: str, admin: bool) -> None:
        """Store it. Raises NotAPerson if there is no such user."""
        self._set(user, "admin", str(int(admin)))

    def _set(self, user: str, name: str, value: str) -> None:
        account = keys.user(user)

        def store(pipe: redis.client.Pipeline) -> bool:
            exists = bool(pipe.exists(account))
            pipe.multi()
            if exists:
                pipe.hset(account, name, value)
            return exists

        if not self._redis.transaction(store, account, value_from_callable=True):
            raise NotAPerson(user)

    def log_out(self, token: str) -> None:
        """End one session."""
        self._redis.delete(keys.session(_digest(token)))

    def _replace(self, user: str, stored: str | None) -> None:
        """Replace the user's hash, or delete the user with None, and end all their sessions."""
        account, sessions = keys.user(user), keys.sessions(user)

        def replace(pipe: redis.client.Pipeline) -> None:
            digests = pipe.smembers(sessions)
            pipe.multi()
            if stored is None:
                pipe.delete(account)
            else:
                pipe.hset(account, mapping={"password": stored})
            pipe.delete(sessions, *(keys.session(digest) for digest in digests))

        # A session that is opened meanwhile changes `sessions`, and the transaction is retried.
        self._redis.transaction(replace, account, sessions)


@bearer.verify_token
def find_caller(token: str) -> str | None:
    """The caller's name, or None for an invalid token."""
    if hmac.compare_digest(token.encode(), current_app.config["API_KEY"].encode()):
        user: str | None = MACHINE
    else:
        user = current_app.extensions["accounts"].find_user(token)
    note_silence(user != MACHINE)
    note(user=user)
    return user


def is_admin(caller: str) -> bool:
    """Whether the caller may do what concerns everybody: an admin, or the key for machines."""
    return caller == MACHINE or current_app.extensions["accounts"].is_admin(caller)


def require_admin() -> str:
    """The name of this request's caller. Raises NotAnAdmin."""
    caller = str(bearer.current_user)
    if not is_admin(caller):
        raise NotAnAdmin(caller)
    return caller


def find_network(address: str) -> str:
    """The unit that failures are counted by: an IPv4 address, or the /64 network of an IPv6 one.

    A host chooses the second half of its IPv6 address itself.
    """
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
