"""People change their own password."""

import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error

PATH = "/v1/sessions/current/password"


def change(call: Call, current: str = "correct horse", new: str = "another horse") -> TestResponse:
    """As ann."""
    return call("ann", "PUT", PATH, json={"current": current, "password": new})


def test_other_sessions_end_and_a_new_one_goes_on(app: APIFlask, call: Call) -> None:
    """A stolen session ends with the change; the answer is like that of a log-in."""
    other = app.extensions["accounts"].log_in("ann", "correct horse", "10.0.0.9")
    answer = change(call)
    assert answer.status_code == 200
    assert (answer.json["user"], answer.json["roles"]) == ("ann", ["clinician"])
    web = app.test_client()
    for token, status in ((other, 401), (answer.json["token"], 200)):
        got = web.get("/v1/xrays", headers={"Authorization": f"Bearer {token}"})
        assert got.status_code == status
    check_error(call("ann", "GET", "/v1/xrays"), 401, "not_logged_in")
    opened = web.post("/v1/sessions", json={"user": "ann", "password": "another horse"})
    assert opened.status_code == 201


def test_a_session_alone_does_not_change_the_password(app: APIFlask, call: Call) -> None:
    """Whoever finds an open page has to know it, and tries count as log-ins do."""
    for _ in range(10):
        check_error(change(call, "a guess"), 401, "wrong_password")
    check_error(change(call), 429, "too_many_failures")
    assert call("ann", "GET", "/v1/xrays").status_code == 200
    body = {"user": "ann", "password": "correct horse"}
    check_error(app.test_client().post("/v1/sessions", json=body), 429, "too_many_failures")


def test_weak_password_is_refused(call: Call, client: redis.Redis) -> None:
    """The old one stays, with its sessions."""
    before = client.hget("user:ann", "password")
    check_error(change(call, new="short"), 422, "invalid_request")
    assert client.hget("user:ann", "password") == before
    assert call("ann", "GET", "/v1/xrays").status_code == 200


def test_a_program_has_no_password(call: Call, client: redis.Redis) -> None:
    """403, and no account of its name comes into being."""
    body = {"current": "key-of-the-test", "password": "another horse"}
    check_error(call("machine", "PUT", PATH, json=body), 403, "not_a_person")
    assert not client.exists("user:machine")
