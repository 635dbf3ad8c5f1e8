"""The table of rules: every route, called by somebody of every role and right and by strangers."""

from collections.abc import Callable

import pytest
import redis
from apiflask import APIFlask

from pneumonia_api.roles import Caller, Right, Role
from pneumonia_api.rules import RULES, find_rule
from tests.pneumonia_api import walking
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.walking import Sender

SITE_KEY = Sender("the site's key", Caller("machine"), lambda: "key-of-the-test")

SHOWS_XRAYS = ("GET /v1/xrays", "GET /v1/deletions")
"""How the routes begin whose answers have records or images."""


def test_every_route_answers_everybody_as_its_rule_says(
    app: APIFlask, client: redis.Redis, report: Callable[[str], None]
) -> None:
    """The table is what is enforced, and the site's own key may call every route."""
    routes = [*walking.list_routes(app)]
    strangers, people = [*walking.list_strangers(app, client)], [*walking.list_people(app)]
    programs = [*walking.list_programs(app)]
    senders = [*strangers, *people, *programs, SITE_KEY]
    for route in routes:
        for sender in senders:
            walking.check(app, route, sender)
    tried = len(routes) * len(senders)
    report(f"{len(routes)} routes x {len(senders)} senders = {tried} calls")
    assert len(strangers) == 3
    assert len(people) == len(Role) + 2
    assert len(programs) == len(Right) + 2


def test_the_table_has_every_route_and_nothing_else(app: APIFlask) -> None:
    """Who adds a route decides who may call it; who removes one cleans up."""
    assert {f"{route.method} {route.template}" for route in walking.list_routes(app)} == {*RULES}


def test_a_route_without_a_rule_is_refused(app: APIFlask, headers: dict[str, str]) -> None:
    """To every role, whatever its code forgot; the site's own key may call it."""
    app.add_url_rule("/v1/forgotten", "forgotten", lambda: "seen", methods=["GET"])
    route = walking.Route("GET", "/v1/forgotten")
    check_error(walking.call(app, route, None), 401, "not_logged_in")
    token = walking.open_session(app, "all", {*Role})
    check_error(walking.call(app, route, token), 403, "not_allowed")
    assert app.test_client().get("/v1/forgotten", headers=headers).text == "seen"


@pytest.mark.parametrize("role", [Role.ML_ENGINEER, Role.ADMIN])
def test_only_who_reads_sees_xrays(role: Role) -> None:
    """Neither records, which have notes, nor images, nor what was deleted."""
    shown = [rule for name, rule in RULES.items() if name.startswith(SHOWS_XRAYS)]
    assert len(shown) >= 6
    for rule in shown:
        assert not rule.allows(Caller("ann", frozenset({role})))
        assert rule.allows(Caller("ann", frozenset({Role.LEAD})))


def test_what_one_role_has_alone() -> None:
    """Leads delete, admins state what holds for the site."""
    for name, alone in {
        "DELETE /v1/xrays/<xray_id>": Role.LEAD,
        "POST /v1/xrays/<xray_id>/restore": Role.LEAD,
        "POST /v1/site/prevalence": Role.ADMIN,
        "POST /v1/site/silent": Role.ADMIN,
        "POST /v1/acceptance/plan": Role.ADMIN,
    }.items():
        allowed = {each for each in Role if RULES[name].allows(Caller("ann", frozenset({each})))}
        assert allowed == {alone}


def test_a_key_may_do_what_its_rights_say() -> None:
    """A gateway that sends X-rays cannot list them; no right is for a person's own session."""
    sender = Caller("machine:gateway", rights=frozenset({Right.UPLOAD}))
    assert {name for name, rule in RULES.items() if rule.allows(sender) and not rule.is_open} == {
        "POST /v1/xrays",
        "POST /dicomweb/studies",
    }


def test_head_is_as_get(app: APIFlask) -> None:
    """A list's headers tell how long it is."""
    assert find_rule("HEAD", "/v1/xrays") == RULES["GET /v1/xrays"]
    assert app.test_client().head("/v1/xrays").status_code == 401


def test_who_was_there_before_roles_can_do_what_they_could(
    app: APIFlask, client: redis.Redis
) -> None:
    """Everybody could read and delete, admins everything; the hash says nothing of roles."""
    accounts = app.extensions["accounts"]
    for user, admin in (("old", None), ("revoked", "0"), ("boss", "1")):
        accounts.set_password(user, "correct horse")
        if admin:
            client.hset(f"user:{user}", "admin", admin)
    assert accounts.list_roles("old") == accounts.list_roles("revoked")
    assert accounts.list_roles("old") == {Role.CLINICIAN, Role.LEAD}
    assert accounts.list_roles("boss") == {*Role}
    assert accounts.list_roles("nobody") == frozenset()


def test_new_roles_end_the_sessions_with_the_old_ones(app: APIFlask, client: redis.Redis) -> None:
    """The pages of an open session would offer what it may no longer do."""
    token = walking.open_session(app, "ann", {Role.CLINICIAN})
    app.extensions["accounts"].set_roles("ann", {Role.ADMIN})
    check_error(walking.call(app, walking.Route("GET", "/v1/site"), token), 401, "not_logged_in")
    assert client.hget("user:ann", "admin") == "1"  # for hosts of the previous release
