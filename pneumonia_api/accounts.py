"""The people who may log in: their passwords, their sessions, their roles and preferences."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping

import redis

from pneumonia_api.open_sessions import OF_ROLES, OpenSessions
from pneumonia_api.passwords import (
    WrongPassword,
    count_try,
    find_network,
    hash_password,
    verify_password,
)
from pneumonia_api.records import keys
from pneumonia_api.records.tokens import digest_token
from pneumonia_api.roles import Role, read_roles, write_roles

LANGUAGES = ("en", "de")
"""Languages of the pages that a person can choose (`pneumonia_web/language.py`)."""

PENDING_SECONDS = 300
"""From the password to the code of the second factor."""


class NotAPerson(PermissionError):
    """The caller has a key, and so no account; or the account was deleted."""


class NoSuchPerson(LookupError):
    """There is nobody with this name, or they are disabled."""


class OfProvider(ValueError):
    """The person comes from the site's OpenID provider, which decides on roles and passwords."""


class PasswordsOff(PermissionError):
    """Passwords are switched off at this site, but for one admin."""


class LogInExpired(PermissionError):
    """The password was given too long ago, or has changed since: it is needed once more."""


class Accounts(OpenSessions):
    """Users and their sessions in Redis."""

    def set_password(self, user: str, password: str) -> None:
        """Create the user, or change the password and end all their sessions in one transaction."""
        self.replace(user, {"password": hash_password(password)}, lambda _: True)

    def exists(self, user: str) -> bool:
        """Whether the user exists."""
        return bool(self._redis.exists(keys.user(user)))

    def delete(self, user: str) -> None:
        """Delete a user and end their sessions in one transaction."""
        self.replace(user, None, lambda _: True)

    def list_users(self) -> list[str]:
        """The names of all users, sorted."""
        return sorted(
            key.removeprefix(keys.user("")) for key in self._redis.scan_iter(keys.user("*"))
        )

    def log_in(self, user: str, password: str, address: str) -> str:
        """A new session token. Raises WrongPassword or TooManyFailures."""
        network = find_network(address)
        count_try(self._redis, user, network)
        token = secrets.token_urlsafe(32)
        stored = self._verify(user, password)
        while not self._open_session(user, stored, token, network):
            stored = self._verify(user, password)  # the password has just changed
        return token

    def check_password(self, user: str, password: str, address: str) -> None:
        """Ask a person who is logged in for their password once more; tries count as log-ins do.

        Raises WrongPassword or TooManyFailures.
        """
        network = find_network(address)
        count_try(self._redis, user, network)
        self._verify(user, password)
        self._redis.delete(keys.tries(user, network))

    def hold(self, user: str, password: str, address: str) -> str:
        """The token of a log-in that still needs a code, for PENDING_SECONDS.

        Raises WrongPassword or TooManyFailures.
        """
        network, token = find_network(address), secrets.token_urlsafe(32)
        count_try(self._redis, user, network)
        held = {"user": user, "stored": self._verify(user, password), "network": network}
        key = keys.pending(digest_token(token))
        self._redis.set(key, json.dumps(held), ex=PENDING_SECONDS)
        return token

    def finish(self, pending: str, verify: Callable[[str], None]) -> tuple[str, str]:
        """The user of a held log-in and a new session token, once `verify` accepts the user's code.

        Raises LogInExpired, or what `verify` raises.
        """
        key = keys.pending(digest_token(pending))
        held = self._redis.get(key)
        if held is None:
            raise LogInExpired
        found, token = json.loads(held), secrets.token_urlsafe(32)
        user = str(found["user"])
        verify(user)
        self._redis.delete(key)
        if not self._open_session(user, found["stored"], token, found["network"]):
            raise LogInExpired
        return user, token

    def change_password(self, user: str, current: str, new: str, address: str) -> str:
        """End all sessions of a person who knows their password; returns the token of a new one.

        Tries count as log-ins do. Raises WrongPassword or TooManyFailures.
        """
        network = find_network(address)
        count_try(self._redis, user, network)
        stored = self._verify(user, current)
        hashed, token = hash_password(new), secrets.token_urlsafe(32)
        changed = self.replace(
            user, {"password": hashed}, lambda now: now.get("password") == stored
        )
        if not changed or not self._open_session(user, hashed, token, network):
            raise WrongPassword(user)  # somebody else has just changed it, or disabled the account
        return token

    def _verify(self, user: str, password: str) -> str:
        """The stored hash if the password matches it. Raises WrongPassword.

        A disabled account looks like one that does not exist. Raises PasswordsOff before it looks
        at the password, which so is no secret that an answer could reveal.
        """
        self.check_passwords_on(user)
        stored, disabled = self._redis.hmget(keys.user(user), "password", "disabled")
        try:
            verified = verify_password(stored, password)
        except WrongPassword as error:
            raise WrongPassword(user if stored else "") from error
        if disabled == "1":
            raise WrongPassword(user)
        return verified

    def check_passwords_on(self, user: str) -> None:
        """Raises PasswordsOff if the user may not log in with a password."""
        if self._break_glass_admin and not (
            user == self._break_glass_admin and Role.ADMIN in self.list_roles(user)
        ):
            raise PasswordsOff(user)

    def _open_session(self, user: str, stored: str, token: str, network: str) -> bool:
        """Open a session if `stored` is still the user's hash; whether it was."""

        def is_unchanged(account: Mapping[str, str]) -> bool:
            return account.get("password") == stored and account.get("disabled") != "1"

        return self._open(user, token, network, is_unchanged, {})

    def list_roles(self, user: str) -> frozenset[Role]:
        """What the user is at the site; nothing for somebody who does not exist."""
        values = self._redis.hmget(keys.user(user), OF_ROLES)
        return read_roles(dict(zip(OF_ROLES, values, strict=True)))

    def set_roles(self, user: str, roles: Iterable[Role]) -> None:
        """Store them and end all sessions of the user, whose pages still offer what they offered.

        Raises NoSuchPerson.
        """
        if not self.replace(user, write_roles(roles)):
            raise NoSuchPerson(user)

    def is_of_provider(self, user: str) -> bool:
        """Whether the user logs in by the site's OpenID provider, and so has no password."""
        return bool(self._redis.hexists(keys.user(user), "identity"))

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

    def _set(self, user: str, name: str, value: str) -> None:
        if not self.replace(user, {name: value}, ends_sessions=False):
            raise NotAPerson(user)

    def replace(
        self,
        user: str,
        fields: Mapping[str, str] | None,
        may: Callable[[Mapping[str, str]], bool] = bool,
        *,
        ends_sessions: bool = True,
    ) -> bool:
        """Change fields of the user, or delete the user with None, and end all their sessions.

        In one transaction, and only if `may`, which gets the fields that there are, says so; by
        default if the user exists. Returns whether it did.
        """
        account, sessions = keys.user(user), keys.sessions(user)

        def replace(pipe: redis.client.Pipeline) -> bool:
            digests = pipe.smembers(sessions)
            now = pipe.hgetall(account)
            pipe.multi()
            # An earlier attempt, whose reply was lost, has made it so already.
            done = fields is not None and fields.items() <= now.items()
            if not done and not may(now):
                return False
            if fields is None:
                pipe.delete(account)
            elif fields:
                pipe.hset(account, mapping=fields)
            ended = [each(digest) for digest in digests for each in (keys.session, keys.opened)]
            if ends_sessions:
                pipe.delete(sessions, *ended)
            return True

        # A session that is opened meanwhile changes `sessions`, and the transaction is retried.
        return bool(self._redis.transaction(replace, account, sessions, value_from_callable=True))
