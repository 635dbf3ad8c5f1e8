"""The sessions of people, in Redis: who has which token, and what was kept with it."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.site import read_requirement
from pneumonia_api.records.tokens import digest_token
from pneumonia_api.roles import Caller, read_roles

KNOWN_SECONDS = 30 * 24 * 3600
"""How long an address counts as known after a log-in: longer than a holiday."""

OF_ROLES = ("password", "roles", "admin")
"""The fields of a person's hash that say what they may do."""


class OpenSessions:
    """Opens, finds and ends sessions."""

    def __init__(
        self, client: redis.Redis, session_seconds: int, break_glass_admin: str = ""
    ) -> None:
        """With `break_glass_admin` only that person may log in with a password, as an admin."""
        self._redis = client
        self._session_seconds = session_seconds
        self._break_glass_admin = break_glass_admin

    def open_session(
        self,
        user: str,
        network: str,
        may: Callable[[Mapping[str, str]], bool],
        more: Mapping[str, str],
    ) -> str | None:
        """A new session token, if `may`, which gets the fields of the user, says so.

        `more` is kept with the session for as long as it lasts.
        """
        token = secrets.token_urlsafe(32)
        return token if self._open(user, token, network, may, more) else None

    def _open(
        self,
        user: str,
        token: str,
        network: str,
        may: Callable[[Mapping[str, str]], bool],
        more: Mapping[str, str],
    ) -> bool:
        account, digest = keys.user(user), digest_token(token)

        def open_session(pipe: redis.client.Pipeline) -> bool:
            allowed = may(pipe.hgetall(account))
            pipe.multi()
            if allowed:
                pipe.delete(keys.tries(user, network))
                pipe.set(keys.known(user, network), 1, ex=KNOWN_SECONDS)
                pipe.set(keys.session(digest), user, ex=self._session_seconds)
                pipe.sadd(keys.sessions(user), digest)
                pipe.expire(keys.sessions(user), self._session_seconds)
                at = datetime.now(UTC).isoformat(timespec="seconds")
                opened = {"at": at, "from": network, **more}
                pipe.hset(keys.opened(digest), mapping=opened)
                pipe.expire(keys.opened(digest), self._session_seconds)
                pipe.hset(account, "logged_in", at)
            return allowed

        return bool(self._redis.transaction(open_session, account, value_from_callable=True))

    def find_user(self, token: str) -> str | None:
        """The user of a session token; None if it is unknown or has expired.

        A session ends `session_seconds` after its last use. It is extended once less than half of
        that is left, so that few requests write.
        """
        digest = digest_token(token)
        session = keys.session(digest)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(session)
            pipe.ttl(session)
            user, left = pipe.execute()
        if user and left < self._session_seconds / 2:
            with self._redis.pipeline() as pipe:
                # Both or neither: a password change ends the sessions that the set names.
                pipe.expire(session, self._session_seconds)
                pipe.expire(keys.sessions(user), self._session_seconds)
                pipe.expire(keys.opened(digest), self._session_seconds)
                pipe.execute()
        return str(user) if user else None

    def find_caller(self, token: str) -> Caller | None:
        """The person of a session token, with their roles; None if it is unknown or expired."""
        user = self.find_user(token)
        if not user:
            return None
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hmget(keys.user(user), *OF_ROLES, "totp", "identity")
            pipe.hget(keys.opened(digest_token(token)), "factor")
            pipe.lindex(keys.REQUIREMENT, -1)
            (*values, secret, identity), by_provider, last = pipe.execute()
        has_factor = by_provider == "1" if identity else bool(secret)
        roles = read_roles(dict(zip(OF_ROLES, values, strict=True)))
        if self._break_glass_admin and not identity and user != self._break_glass_admin:
            return None  # opened while passwords were on
        return Caller(user, roles, lacks_factor=not has_factor and read_requirement(last))

    def log_out(self, token: str) -> None:
        """End one session."""
        digest = digest_token(token)
        self._redis.delete(keys.session(digest), keys.opened(digest))
