"""One-time links, by which somebody chooses a password: an invitation, or a new password.

The service sends no mail: an admin hands the link over, in whatever way the site trusts. It works
once, for LINK_SECONDS, until another one is made for the same person or they are disabled.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis

from pneumonia_api.accounts import Accounts, NoSuchPerson, OfProvider
from pneumonia_api.passwords import hash_password
from pneumonia_api.records import keys
from pneumonia_api.records.tokens import digest_token
from pneumonia_api.roles import Role, write_roles

LINK_SECONDS = 72 * 3600
"""Long enough for a weekend."""


class PersonExists(ValueError):
    """There is somebody with this name."""


class LinkInvalid(PermissionError):
    """The link was used, replaced, never made, or has expired."""


@dataclass(frozen=True)
class Link:
    """A one-time link: its secret, and until when it works (ISO 8601, UTC)."""

    token: str
    until: str


class Links:
    """Makes and redeems links."""

    def __init__(self, client: redis.Redis, accounts: Accounts) -> None:
        self._redis = client
        self._accounts = accounts

    def invite(self, user: str, roles: Iterable[Role], *, at: datetime) -> Link:
        """Create a person, who has no password until they use the link.

        Raises PersonExists, or PasswordsOff where a password would be of no use.
        """
        if not self._accounts.exists(user):
            self._accounts.check_passwords_on(user)
        link, digest = self._make(user, at)
        fields = {**write_roles(roles), "link": digest, "link_until": link.until}
        if not self._accounts.replace(user, fields, lambda now: not now):
            raise PersonExists(user)
        return link

    def renew(self, user: str, *, at: datetime) -> Link:
        """A link for somebody who forgot their password or whose invitation expired.

        Their password goes on working until the link is used. Raises NoSuchPerson, also for
        somebody who is disabled; OfProvider for somebody who is to have no password; PasswordsOff.
        """
        if self._accounts.is_of_provider(user):
            raise OfProvider(user)
        self._accounts.check_passwords_on(user)
        link, digest = self._make(user, at)
        fields = {"link": digest, "link_until": link.until}
        if not self._accounts.replace(user, fields, _is_enabled, ends_sessions=False):
            raise NoSuchPerson(user)
        return link

    def redeem(self, token: str, password: str) -> str:
        """Set the password of the link's person and end their sessions; returns their name.

        Raises LinkInvalid.
        """
        digest = digest_token(token)
        user = self._redis.get(keys.link(digest))
        if user is None:  # before the work of hashing, which anybody could ask for
            raise LinkInvalid
        fields = {"password": hash_password(password), "link": "", "link_until": ""}
        if not self._accounts.replace(
            user, fields, lambda now: now.get("link") == digest and _is_enabled(now)
        ):
            raise LinkInvalid
        self._redis.delete(keys.link(digest))
        return str(user)

    def _make(self, user: str, at: datetime) -> tuple[Link, str]:
        token = secrets.token_urlsafe(32)
        digest = digest_token(token)
        until = (at + timedelta(seconds=LINK_SECONDS)).astimezone(UTC).isoformat(timespec="seconds")
        # It opens nothing until the person's account has its digest, too.
        self._redis.set(keys.link(digest), user, ex=LINK_SECONDS)
        return Link(token, until), digest


def _is_enabled(account: Mapping[str, str]) -> bool:
    return bool(account) and account.get("disabled") != "1"
