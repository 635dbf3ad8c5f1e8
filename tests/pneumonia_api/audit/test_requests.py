"""The API records what its callers do."""

import io

import redis
from apiflask import APIFlask

from pneumonia_api.audit.requests import REPEAT_SECONDS
from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.roles import Role
from tests.pictures import picture
from tests.pneumonia_api import walking
from tests.pneumonia_api.audit.lines import list_actions, read_events
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error


def log_in(app: APIFlask, user: str, password: str, address: str = "10.0.0.7") -> int:
    """The status of a log-in that the web asks for, for a browser at `address`."""
    return (
        app.test_client()
        .post(
            "/v1/sessions",
            json={"user": user, "password": password},
            headers={"X-Forwarded-For": address, "X-Web-Key": "key-of-the-web"},
        )
        .status_code
    )


def test_a_viewing_says_who_when_from_where_and_by_which_role(
    call: Call, judged: XrayRecord, client: redis.Redis
) -> None:
    """And which X-ray it was, by its id alone."""
    assert call("ann", "GET", f"/v1/xrays/{judged.id}").status_code == 200
    [(moment, event)] = client.xrange(keys.AUDIT)
    now, _ = client.time()
    assert abs(int(moment.partition("-")[0]) / 1000 - now) < 60
    assert len(event.pop("request")) == 32
    assert event == {
        "action": "see_xray",
        "who": "ann",
        "roles": "clinician",
        "address": "127.0.0.1",
        "xray": judged.id,
        "about": "",
        "detail": "",
        "outcome": "done",
    }


def test_a_page_that_asks_again_by_itself_is_one_line(
    call: Call, judged: XrayRecord, client: redis.Redis
) -> None:
    """Within five minutes; another person, X-ray or part of it is a line of its own."""
    for _ in range(3):
        call("ann", "GET", "/v1/xrays")
    call("lead", "GET", "/v1/xrays")
    for part in ("", "/preview", "/preview"):
        call("ann", "GET", f"/v1/xrays/{judged.id}{part}")
    assert list_actions(client) == [
        ("ann", "list_xrays", "done"),
        ("lead", "list_xrays", "done"),
        ("ann", "see_xray", "done"),
    ], "the preview is not there: nothing was seen"
    assert REPEAT_SECONDS == 300


def test_each_change_is_a_line(call: Call, judged: XrayRecord, client: redis.Redis) -> None:
    """However often, and with nothing of what was typed."""
    for _ in range(2):
        answer = call(
            "ann",
            "PUT",
            f"/v1/xrays/{judged.id}/review",
            json={"label": "unsure", "note": "asked Jane Doe"},
        )
        assert answer.status_code == 200
    call("lead", "DELETE", f"/v1/xrays/{judged.id}")
    call("lead", "POST", f"/v1/xrays/{judged.id}/restore")
    assert [action for _, action, _ in list_actions(client)] == [
        *("read", "read", "delete", "restore")
    ]
    assert {each["xray"] for each in read_events(client)} == {judged.id}
    assert "Jane" not in str(read_events(client))
    assert "unsure" not in str(read_events(client))


def test_a_log_in_is_recorded_and_a_failed_one(app: APIFlask, client: redis.Redis) -> None:
    """With the address of the browser. An unknown name may be a password, and is not kept."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    assert log_in(app, "doctor", "guess") == 401
    assert log_in(app, "correct horse", "doctor") == 401
    assert log_in(app, "doctor", "correct horse") == 201
    assert list_actions(client) == [
        ("doctor", "log_in", "refused"),
        ("", "log_in", "refused"),
        ("doctor", "log_in", "done"),
    ]
    assert {each["address"] for each in read_events(client)} == {"10.0.0.7"}
    for _ in range(11):
        log_in(app, "doctor", "guess")
    assert list_actions(client)[-1] == ("doctor", "log_in", "refused")


def test_a_call_without_the_right_is_recorded(
    app: APIFlask, call: Call, judged: XrayRecord, client: redis.Redis
) -> None:
    """Also of a route that is not recorded otherwise; a stranger's is not: anybody can send it."""
    check_error(call("ann", "DELETE", f"/v1/xrays/{judged.id}"), 403, "not_allowed")
    token = walking.open_session(app, "none", set[Role]())
    route = walking.Route("GET", "/v1/site")
    check_error(walking.call(app, route, token), 403, "not_allowed")
    check_error(walking.call(app, route, "guess"), 401, "not_logged_in")
    assert list_actions(client) == [("ann", "delete", "refused"), ("none", "call", "refused")]
    assert read_events(client)[-1]["about"] == "GET /v1/site"


def test_changes_of_people_say_whom_they_concern(call: Call, client: redis.Redis) -> None:
    """And what was set."""
    for method, path, body in (
        ("POST", "/v1/people", {"user": "eve", "roles": ["clinician", "lead"]}),
        ("PUT", "/v1/people/disabled", {"user": "eve", "disabled": True}),
        ("POST", "/v1/keys", {"name": "gateway", "rights": ["upload"]}),
        ("POST", "/v1/site/prevalence", {"percent": 12}),
    ):
        assert call("lead", method, path, json=body).status_code < 300
    assert call("lead", "DELETE", "/v1/keys/gateway").status_code == 204
    assert [(each["about"], each["detail"]) for each in read_events(client)] == [
        ("eve", "roles=clinician,lead"),
        ("eve", "disabled=true"),
        ("gateway", "rights=upload"),
        ("", "percent=12"),
        ("gateway", ""),
    ]


def test_the_second_factor_shows_in_the_audit(app: APIFlask, client: redis.Redis) -> None:
    """A right password without a code is no log-in yet, and a wrong code is whose it was."""
    accounts, factors = app.extensions["accounts"], app.extensions["second_factors"]
    accounts.set_password("doctor", "correct horse")
    secret = factors.begin("doctor")
    client.hset(keys.user("doctor"), "totp", secret)
    answer = app.test_client().post(
        "/v1/sessions", json={"user": "doctor", "password": "correct horse"}
    )
    body = {"pending": answer.json["pending"], "code": "000000"}
    answer = app.test_client().post("/v1/sessions/second-factor", json=body)
    check_error(answer, 401, "wrong_code")
    assert list_actions(client) == [
        ("doctor", "give_password", "done"),
        ("doctor", "log_in", "refused"),
    ]


def test_who_waits_for_a_result_has_seen_nothing_yet(
    app: APIFlask, headers: dict[str, str], client: redis.Redis
) -> None:
    """The upload is a line, and each second's question whether it is judged is none."""
    body = {"xray": (io.BytesIO(picture()), "xray.jpg")}
    answer = app.test_client().post("/v1/xrays", headers=headers, data=body)
    assert answer.status_code == 202, answer.text
    xray = answer.json["id"]
    app.test_client().get(f"/v1/xrays/{xray}", headers=headers)
    [event] = read_events(client)
    assert (event["who"], event["roles"], event["xray"]) == ("machine", "all", xray)
    assert event["action"] == "upload"
