"""Passwords: stored as argon2 hashes, and guesses at them counted by name and address."""

import functools
import ipaddress
import secrets

import redis
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pneumonia_api.records import keys

# OWASP's recommended minimum (19 MiB, two passes): the API serves log-ins from a small host.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

MIN_PASSWORD = 8
MAX_PASSWORD = 256
"""Characters."""

MAX_FAILURES = 10
FAILURE_SECONDS = 300

MAX_TRIES = 50
"""Log-ins with one name from all addresses in FAILURE_SECONDS. Beyond it only addresses from which
the person recently logged in may try, so that a distributed attack does not lock the person out."""


class LogInRefused(PermissionError):
    """A log-in failed; `user` is whose it was, "" if there is nobody of that name."""

    def __init__(self, user: str = "") -> None:
        super().__init__(user)
        self.user = user


class WrongPassword(LogInRefused):
    """The name or the password is wrong; the answer does not reveal which."""


class TooManyFailures(LogInRefused):
    """Too many log-ins with this name failed from this address; locked for FAILURE_SECONDS."""


def hash_password(password: str) -> str:
    """The form in which it is stored."""
    return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> str:
    """The stored hash if the password matches it. Raises WrongPassword.

    No hash takes as long as a wrong password, so that timing does not reveal names.
    """
    known = stored or _unknown_hash()
    try:
        _HASHER.verify(known, password)
    except (VerificationError, InvalidHashError) as error:
        raise WrongPassword from error
    return known


def count_try(client: redis.Redis, user: str, network: str) -> None:
    """Count a log-in before its password is verified, so that parallel guesses count, too.

    Failures are counted by name and by the client's `network`: if they were counted by name alone,
    anyone could lock a doctor out. Raises TooManyFailures.
    """
    here, everywhere = keys.tries(user, network), keys.tries_everywhere(user)
    # Each try has a random name in a set, so that a retry after a lost answer from Redis counts
    # once.
    name = secrets.token_hex(8)
    with client.pipeline() as pipe:
        for tries in (here, everywhere):
            pipe.sadd(tries, name)
            pipe.expire(tries, FAILURE_SECONDS, nx=True)
            pipe.scard(tries)
        pipe.exists(keys.known(user, network))
        pipe.exists(keys.user(user))
        _, _, tried, _, _, tried_everywhere, is_known, exists = pipe.execute()
    if tried > MAX_FAILURES or (tried_everywhere > MAX_TRIES and not is_known):
        raise TooManyFailures(user if exists else "")


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
