"""Every route of the API, and somebody of every kind to call it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.records import keys
from pneumonia_api.records.tokens import digest_token
from pneumonia_api.roles import Caller, Right, Role
from pneumonia_api.rules import find_rule

REFUSALS = ("not_allowed", "not_an_admin")
IDS = {"<xray_id>": "0" * 32, "<name>": "no-such"}


@dataclass(frozen=True)
class Route:
    """A route by its method and its template."""

    method: str
    template: str

    @property
    def path(self) -> str:
        """An address of it, of nothing that exists."""
        path = self.template
        for name, value in IDS.items():
            path = path.replace(name, value)
        assert "<" not in path, f"say what stands for the parameters of {path}"
        return path


@dataclass(frozen=True)
class Sender:
    """Somebody who calls: `open` gives a token that works now; `caller` None is nobody known."""

    name: str
    caller: Caller | None
    open: Callable[[], str | None]


def list_routes(app: APIFlask) -> Iterator[Route]:
    """Every route that answers."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(method, rule.rule)


def list_strangers(app: APIFlask, client: redis.Redis) -> Iterator[Sender]:
    """Who has no valid token."""

    def expire() -> str:
        token = open_session(app, "late", {*Role})
        client.expireat(keys.session(digest_token(token)), 1)  # as if it had not been used
        return token

    yield Sender("nobody", None, lambda: None)
    yield Sender("a guess", None, lambda: "guess")
    yield Sender("an expired session", None, expire)


def list_people(app: APIFlask) -> Iterator[Sender]:
    """A person of each role alone, one with all of them and one with none."""
    kinds = {str(role): frozenset({role}) for role in Role}
    for name, roles in {**kinds, "all": frozenset(Role), "none": frozenset[Role]()}.items():
        yield Sender(name, Caller(name, roles), partial(open_session, app, name, roles))


def list_programs(app: APIFlask) -> Iterator[Sender]:
    """A key of each right alone, one with all of them and one that was revoked."""
    machines, now = app.extensions["machine_keys"], datetime.now(UTC)
    kinds = {str(right): frozenset({right}) for right in Right}
    for name, rights in {**kinds, "every-right": frozenset(Right)}.items():
        key: str = machines.create(name, rights, by="test", at=now)
        yield Sender(f"key {name}", Caller(f"machine:{name}", rights=rights), partial(str, key))
    revoked: str = machines.create("revoked", Right, by="test", at=now)
    machines.revoke("revoked")
    yield Sender("a revoked key", None, partial(str, revoked))


def open_session(app: APIFlask, user: str, roles: frozenset[Role] | set[Role]) -> str:
    """Log somebody in who has these roles."""
    accounts = app.extensions["accounts"]
    if not accounts.exists(user):
        accounts.set_password(user, "correct horse")
        accounts.set_roles(user, roles)
    return str(accounts.log_in(user, "correct horse", "127.0.0.1"))


def call(app: APIFlask, route: Route, token: str | None) -> TestResponse:
    """Call it without a body, as whoever has this token."""
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return app.test_client().open(route.path, method=route.method, headers=headers)


def check(app: APIFlask, route: Route, sender: Sender) -> None:
    """Whether the route answers this sender as its rule says."""
    rule = find_rule(route.method, route.template)
    answer = call(app, route, sender.open())
    has_json = answer.is_json and answer.data
    error = answer.json.get("error", {}).get("code") if has_json else None
    where = f"{sender.name}: {route.method} {route.template} -> {answer.status_code} {error}"
    if rule.is_open:
        assert error not in (*REFUSALS, "not_logged_in"), where
    elif sender.caller is None:
        assert (answer.status_code, error) == (401, "not_logged_in"), where
    elif rule.allows(sender.caller):
        assert error not in (*REFUSALS, "not_logged_in"), where
        assert answer.status_code < 500 or error == "no_model", where
    else:
        assert answer.status_code == 403, where
        assert error in REFUSALS, where
