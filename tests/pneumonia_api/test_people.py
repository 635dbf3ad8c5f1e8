"""The routes of people: invite, change, disable, and end sessions; one-time links."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.records import keys
from pneumonia_api.records.tokens import digest_token
from pneumonia_api.roles import Role
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error

PASSWORD = "a longer password"


def invite(call: Call, user: str = "eve", roles: object = ("clinician",)) -> TestResponse:
    """As an admin."""
    return call("lead", "POST", "/v1/people", json={"user": user, "roles": roles})


def redeem(app: APIFlask, token: str, password: str = PASSWORD) -> TestResponse:
    """As somebody who is not logged in."""
    body = {"token": token, "password": password}
    return app.test_client().post("/v1/links", json=body)


def log_in(app: APIFlask, user: str = "eve", password: str = PASSWORD) -> TestResponse:
    """By name and password."""
    return app.test_client().post("/v1/sessions", json={"user": user, "password": password})


def find(call: Call, user: str) -> dict[str, Any]:
    """What the list says of a person."""
    listed = call("lead", "GET", "/v1/people").json["people"]
    [found] = [each for each in listed if each["user"] == user]
    return found


def test_who_is_invited_chooses_a_password_once(app: APIFlask, call: Call) -> None:
    """Until then no password opens the account, and the link opens nothing twice."""
    answer = invite(call, roles=["admin", "clinician"])
    assert answer.status_code == 201
    token, until = answer.json["token"], datetime.fromisoformat(answer.json["until"])
    assert timedelta(hours=71) < until - datetime.now(UTC) <= timedelta(hours=72)
    assert find(call, "eve")["state"] == "invited"
    check_error(log_in(app, password=token), 401, "wrong_password")
    assert redeem(app, token).json == {"user": "eve"}
    assert log_in(app).json["roles"] == ["clinician", "admin"]
    check_error(redeem(app, token, "another password"), 404, "link_invalid")
    assert log_in(app).status_code == 201
    person = find(call, "eve")
    assert (person["state"], person["link_until"]) == ("active", None)
    assert datetime.now(UTC) - datetime.fromisoformat(str(person["logged_in"])) < timedelta(hours=1)


def test_links_that_do_not_work_look_alike(app: APIFlask, call: Call, client: redis.Redis) -> None:
    """One that was guessed, has expired, was replaced, or whose person was disabled or deleted."""
    tokens = {name: invite(call, name).json["token"] for name in ("late", "new", "off", "gone")}
    client.expireat(keys.link(digest_token(tokens["late"])), 1)
    assert call("lead", "POST", "/v1/people/links", json={"user": "new"}).status_code == 201
    off = {"user": "off", "disabled": True}
    assert call("lead", "PUT", "/v1/people/disabled", json=off).status_code == 204
    app.extensions["accounts"].delete("gone")
    answers = [redeem(app, token) for token in ("guess", *tokens.values())]
    for answer in answers:
        check_error(answer, 404, "link_invalid")
        assert answer.json == answers[0].json
    for name in tokens:
        check_error(log_in(app, name), 401, "wrong_password")


def test_secret_of_a_link_is_stored_nowhere(call: Call, client: redis.Redis) -> None:
    """Whoever reads all of Redis has no link that works."""
    token = invite(call).json["token"]
    for name in client.keys("*"):
        assert token not in name
        stored = client.hgetall(name) if client.type(name) == "hash" else client.type(name)
        assert token not in str(stored)
    assert client.get(keys.link(digest_token(token))) == "eve"


def test_forgotten_password_is_replaced_by_a_link(app: APIFlask, call: Call) -> None:
    """The old one works until the link is used, which ends the sessions that it had opened."""
    assert redeem(app, invite(call).json["token"]).status_code == 200
    session = log_in(app).json["token"]
    token = call("lead", "POST", "/v1/people/links", json={"user": "eve"}).json["token"]
    assert log_in(app).status_code == 201
    assert redeem(app, token, "the new password").status_code == 200
    check_error(log_in(app), 401, "wrong_password")
    assert log_in(app, password="the new password").status_code == 201
    old = {"Authorization": f"Bearer {session}"}
    check_error(app.test_client().get("/v1/xrays", headers=old), 401, "not_logged_in")


def test_disabled_person_is_out_at_once_and_looks_unknown(app: APIFlask, call: Call) -> None:
    """Their session ends, and their right password is answered like a wrong name."""
    person = {"user": "ann", "disabled": True}
    assert call("ann", "GET", "/v1/xrays").status_code == 200
    assert call("lead", "PUT", "/v1/people/disabled", json=person).status_code == 204
    check_error(call("ann", "GET", "/v1/xrays"), 401, "not_logged_in")
    refused, unknown = log_in(app, "ann", "correct horse"), log_in(app, "nobody", "correct horse")
    check_error(refused, 401, "wrong_password")
    assert refused.json == unknown.json
    assert find(call, "ann")["state"] == "disabled"
    link = call("lead", "POST", "/v1/people/links", json={"user": "ann"})
    check_error(link, 404, "no_such_person")
    again = {"user": "ann", "disabled": False}
    assert call("lead", "PUT", "/v1/people/disabled", json=again).status_code == 204
    assert log_in(app, "ann", "correct horse").status_code == 201


def test_roles_are_changed_and_hold_at_the_next_log_in(app: APIFlask, call: Call) -> None:
    """The open session, whose pages offer the old ones, ends."""
    person = {"user": "ann", "roles": ["lead"]}
    assert call("lead", "PUT", "/v1/people/roles", json=person).status_code == 204
    check_error(call("ann", "GET", "/v1/xrays"), 401, "not_logged_in")
    assert log_in(app, "ann", "correct horse").json["roles"] == ["lead"]


def test_an_admin_cannot_lock_everybody_out(app: APIFlask, call: Call) -> None:
    """Neither by a slip nor by a stolen click: there is always one left, who did it."""
    for path, change in (
        ("roles", {"user": "lead", "roles": ["clinician"]}),
        ("disabled", {"user": "lead", "disabled": True}),
    ):
        check_error(call("lead", "PUT", f"/v1/people/{path}", json=change), 409, "own_account")
    own = {"user": "lead", "roles": ["admin"]}
    assert call("lead", "PUT", "/v1/people/roles", json=own).status_code == 204
    assert app.extensions["accounts"].list_roles("lead") == {Role.ADMIN}


def test_sessions_are_listed_and_ended(app: APIFlask, call: Call) -> None:
    """One of them, or all of a person; others go on."""
    token = log_in(app, "ann", "correct horse").json["token"]
    first, second = find(call, "ann")["sessions"]
    assert {first["network"], second["network"]} == {"127.0.0.1"}
    own = digest_token(token)[:16]
    assert own in (first["id"], second["id"])
    end = {"user": "ann", "session": own}
    assert call("lead", "POST", "/v1/people/ended-sessions", json=end).status_code == 204
    headers = {"Authorization": f"Bearer {token}"}
    check_error(app.test_client().get("/v1/xrays", headers=headers), 401, "not_logged_in")
    assert call("ann", "GET", "/v1/xrays").status_code == 200
    assert len(find(call, "ann")["sessions"]) == 1
    everything = {"user": "ann"}
    assert call("lead", "POST", "/v1/people/ended-sessions", json=everything).status_code == 204
    check_error(call("ann", "GET", "/v1/xrays"), 401, "not_logged_in")
    assert find(call, "ann")["sessions"] == []


@pytest.mark.parametrize("user", ["", "machine", "machine:x", " eve", "a" * 65, "a\u202eb", "ann"])
def test_names_that_nobody_may_have_are_refused(call: Call, user: str) -> None:
    """Those of programs, those that look like another, and those that are taken."""
    status, code = (409, "person_exists") if user == "ann" else (422, "invalid_request")
    check_error(invite(call, user), status, code)


@pytest.mark.parametrize("password", ["short", "x" * 257, "with\nnewline", None])
def test_a_password_that_cannot_be_used_leaves_the_link(
    app: APIFlask, call: Call, password: str
) -> None:
    """The person chooses another one."""
    token = invite(call).json["token"]
    check_error(redeem(app, token, password), 422, "invalid_request")
    assert redeem(app, token).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("links", {"user": "nobody"}),
        ("roles", {"user": "nobody", "roles": ["lead"]}),
        ("disabled", {"user": "nobody", "disabled": True}),
    ],
)
def test_nobody_is_made_by_a_change(
    call: Call, client: redis.Redis, path: str, body: dict[str, object]
) -> None:
    """404, and no account comes into being."""
    method = "POST" if path == "links" else "PUT"
    check_error(call("lead", method, f"/v1/people/{path}", json=body), 404, "no_such_person")
    assert not client.exists("user:nobody")
