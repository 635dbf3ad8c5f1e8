"""Who may log in, for admins: what each person is, and their open sessions."""

from collections.abc import Mapping
from dataclasses import dataclass

import redis

from pneumonia_api.accounts import Accounts, NoSuchPerson
from pneumonia_api.records import keys
from pneumonia_api.roles import Role, read_roles

ID_DIGITS = 16
"""Of a session's digest: enough to tell the sessions of one person apart."""


@dataclass(frozen=True)
class OpenSession:
    """A session: its id, when it was opened (ISO 8601, UTC) and from which network.

    Both are "" for one from before they were kept.
    """

    id: str
    at: str
    network: str


@dataclass(frozen=True)
class Person:
    """Somebody who may log in. Times are ISO 8601, UTC, or None.

    `has_factor` is whether they need a code to log in, `subject` what the site's OpenID provider
    calls them, None for somebody with a password. `state` is active, invited (no password yet)
    or disabled. `link_until` is until when their one-time link works, `logged_in` when they last
    did.
    """

    user: str
    roles: frozenset[Role]
    state: str
    has_factor: bool
    link_until: str | None
    logged_in: str | None
    subject: str | None
    sessions: tuple[OpenSession, ...]


class Directory:
    """Lists people, and disables them or ends their sessions."""

    def __init__(self, client: redis.Redis, accounts: Accounts) -> None:
        self._redis = client
        self._accounts = accounts

    def list_people(self) -> list[Person]:
        """Everybody, by name."""
        names = self._accounts.list_users()
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(keys.user(name))
                pipe.smembers(keys.sessions(name))
            answers = pipe.execute()
        found = zip(names, answers[::2], answers[1::2], strict=True)
        return [
            _describe(name, account, self._list_sessions(digests))
            for name, account, digests in found
            if account
        ]

    def _list_sessions(self, digests: set[str]) -> tuple[OpenSession, ...]:
        ordered = sorted(digests)
        with self._redis.pipeline(transaction=False) as pipe:
            for digest in ordered:
                pipe.exists(keys.session(digest))
                pipe.hgetall(keys.opened(digest))
            answers = pipe.execute()
        sessions = [
            OpenSession(digest[:ID_DIGITS], opened.get("at", ""), opened.get("from", ""))
            for digest, is_open, opened in zip(ordered, answers[::2], answers[1::2], strict=True)
            if is_open
        ]
        return tuple(sorted(sessions, key=lambda each: each.at, reverse=True))

    def end_session(self, user: str, session_id: str) -> None:
        """End one session of a person; does nothing for one that has ended."""
        for digest in self._redis.smembers(keys.sessions(user)):
            if digest.startswith(session_id):
                self._redis.delete(keys.session(digest), keys.opened(digest))

    def end_sessions(self, user: str) -> None:
        """End all sessions of a person."""
        self._accounts.replace(user, {})

    def disable(self, user: str) -> None:
        """End all sessions and refuse every log-in until `enable`. Raises NoSuchPerson."""
        if not self._accounts.replace(user, {"disabled": "1", "link": "", "link_until": ""}):
            raise NoSuchPerson(user)

    def enable(self, user: str) -> None:
        """Let a person log in again, with the password that they had. Raises NoSuchPerson."""
        if not self._accounts.replace(user, {"disabled": "0"}):
            raise NoSuchPerson(user)


def _describe(name: str, account: Mapping[str, str], sessions: tuple[OpenSession, ...]) -> Person:
    if account.get("disabled") == "1":
        state = "disabled"
    else:
        can_log_in = account.get("password") or account.get("identity")
        state = "active" if can_log_in else "invited"
    return Person(
        name,
        read_roles(account),
        state,
        bool(account.get("totp")),
        account.get("link_until") or None,
        account.get("logged_in"),
        account.get("subject"),
        sessions,
    )
