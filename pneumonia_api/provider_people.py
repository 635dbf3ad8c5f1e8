"""People whom the site's OpenID provider knows: who they are here, and their sessions.

A person is who the issuer and its subject say, never a name or an address of mail. Their name here
ends in a mark that no other person's may have, so that nobody becomes somebody with a password, of
today or of before (docs/decisions/oidc.md).
"""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from pneumonia_api.accounts import Accounts
from pneumonia_api.id_tokens import TokenRefused
from pneumonia_api.passwords import find_network
from pneumonia_api.provider import Provider, ProviderAway, find_claim
from pneumonia_api.records import keys
from pneumonia_api.records.site import Site
from pneumonia_api.records.tokens import digest_token
from pneumonia_api.roles import PROVIDER_MARK, Role, is_program, write_roles

BEGUN_SECONDS = 600
"""From the button to the way back: enough to look for a phone."""

MAX_NAME = 64

NAMES = ("preferred_username", "name", "email")
"""The claims that a person's name is taken from; the first that is there."""

UNNAMED = "person"


class LogInStale(PermissionError):
    """This log-in was begun too long ago, was finished already, or never begun."""


class NotLetIn(PermissionError):
    """The provider knows the person, who stays out; `user` is their name here, "" if they have none
    yet."""

    def __init__(self, user: str) -> None:
        super().__init__(user)
        self.user = user


class NoKnownRole(NotLetIn):
    """The provider says of the person nothing that is a role here."""


class PersonDisabled(NotLetIn):
    """An admin has disabled the person."""


class ProviderFactorNeeded(NotLetIn):
    """The site requires a second factor, and the provider asked for none."""


@dataclass(frozen=True)
class Begun:
    """A log-in that was begun: where the browser goes, and what it will bring back."""

    url: str
    state: str


class ProviderPeople:
    """Begins and finishes log-ins by the provider."""

    def __init__(
        self, client: redis.Redis, accounts: Accounts, site: Site, provider: Provider
    ) -> None:
        self._redis = client
        self._accounts = accounts
        self._site = site
        self._provider = provider

    def begin(self, *, again: bool) -> Begun:
        """Begin a log-in; with `again` the person has to log in at the provider anew."""
        state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        verifier = secrets.token_urlsafe(48)
        url = self._provider.write_address(state, nonce, verifier, again=again)
        held = {"nonce": nonce, "verifier": verifier, "since": int(time.time()) if again else None}
        key = keys.provider_log_in(digest_token(state))
        self._redis.set(key, json.dumps(held), ex=BEGUN_SECONDS)
        return Begun(url, state)

    def finish(
        self, state: str, code: str, address: str, *, issuer: str | None = None
    ) -> tuple[str, str]:
        """The person whom the provider sent back with `state` and `code`, and a new session token.

        Their roles become what the provider says now. `issuer` is who says to be the sender, if the
        provider says so. Raises LogInStale, NoKnownRole,
        PersonDisabled, ProviderFactorNeeded, or what `Provider.redeem` raises.
        """
        held = self._redis.getdel(keys.provider_log_in(digest_token(state)))
        if held is None:
            raise LogInStale
        if issuer not in (None, self._provider.settings.issuer):
            raise TokenRefused("iss of the answer")
        begun = json.loads(held)
        claims, id_token = self._provider.redeem(
            code, begun["verifier"], begun["nonce"], since=begun["since"]
        )
        settings = self._provider.settings
        roles = read_claimed_roles(claims, settings.roles_claim, settings.roles)
        identity = digest_identity(settings.issuer, claims["sub"])
        known = str(self._redis.get(keys.identity(identity)) or "")
        if not roles:
            if known:  # they have lost their roles at the provider
                self._accounts.replace(known, write_roles(()))
            raise NoKnownRole(known)
        has_factor = find_factors(claims) & settings.factors
        if self._site.requires_factor() and not has_factor:
            raise ProviderFactorNeeded(known)
        user = known or self._name(identity, claims)
        self._write(user, identity, str(claims["sub"]), roles)
        opened = {"id_token": id_token, "factor": str(int(bool(has_factor)))}
        token = self._accounts.open_session(
            user,
            find_network(address),
            lambda now: now.get("identity") == identity and now.get("disabled") != "1",
            opened,
        )
        if token is None:
            raise PersonDisabled(user)
        return user, token

    def find_log_out(self, token: str) -> str | None:
        """Where the browser of this session goes to log out of the provider, too."""
        id_token = self._redis.hget(keys.opened(digest_token(token)), "id_token")
        if not id_token:
            return None
        try:
            return self._provider.write_log_out(id_token)
        except ProviderAway:
            return None  # the person is logged out here all the same

    def _write(self, user: str, identity: str, subject: str, roles: frozenset[Role]) -> None:
        """Store the person with their roles; other roles end the sessions with the old ones."""
        fields = {**write_roles(roles), "identity": identity, "subject": subject}
        changed = self._accounts.list_roles(user) != roles
        self._accounts.replace(
            user,
            fields,
            lambda now: not now or now.get("identity") == identity,
            ends_sessions=changed,
        )

    def _name(self, identity: str, claims: Mapping[str, Any]) -> str:
        """The name of the person here, which they keep from this first log-in on."""
        name = read_name(claims)
        number, user = 1, mark_name(name)
        # A name is never given to a second person, also not once the first has been deleted.
        while not self._redis.hsetnx(keys.IDENTITY_NAMES, user, identity):
            if self._redis.hget(keys.IDENTITY_NAMES, user) == identity:
                break  # by an earlier attempt, or another log-in at this moment
            number += 1
            user = mark_name(name, number)
        self._redis.set(keys.identity(identity), user, nx=True)
        return str(self._redis.get(keys.identity(identity)))


def digest_identity(issuer: str, subject: str) -> str:
    """Who somebody is, whatever they are called."""
    return hashlib.sha256(json.dumps([issuer, subject]).encode()).hexdigest()


def read_claimed_roles(
    claims: Mapping[str, Any], name: str, meanings: Mapping[str, Role]
) -> frozenset[Role]:
    """What the values of a claim, a list or one text with blanks, make somebody here."""
    claimed = find_claim(claims, name)
    values = [claimed, *claimed.split()] if isinstance(claimed, str) else claimed
    if not isinstance(values, list):
        return frozenset()
    return frozenset(
        meanings[value] for value in values if isinstance(value, str) and value in meanings
    )


def find_factors(claims: Mapping[str, Any]) -> frozenset[str]:
    """How the person proved to the provider who they are: the claims amr (RFC 8176) and acr."""
    methods = claims.get("amr")
    found = [*methods] if isinstance(methods, list) else []
    return frozenset(each for each in (*found, claims.get("acr")) if isinstance(each, str))


def read_name(claims: Mapping[str, Any]) -> str:
    """What the person is called, as far as it can stand in a list."""
    for claim in NAMES:
        found = claims.get(claim)
        if isinstance(found, str):
            name = "".join(each for each in found if each.isprintable()).strip()
            if name and not is_program(name):
                return name
    return UNNAMED


def mark_name(name: str, number: int = 1) -> str:
    """The name of a person of the provider: at most MAX_NAME characters with its mark."""
    mark = PROVIDER_MARK if number == 1 else f" {number}{PROVIDER_MARK}"
    return name[: MAX_NAME - len(mark)].rstrip() + mark
