"""The second factor: codes at the log-in, recovery codes, and a site that requires it."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.second_factor import SecondFactors, WrongCode
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error

OWN = "/v1/sessions/current/second-factor"
STEP = timedelta(seconds=30)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def make_code(secret: str, later: int = 0, at: datetime | None = None) -> str:
    """What the app shows, so many steps of 30 seconds later."""
    return pyotp.TOTP(secret).at((at or datetime.now(UTC)) + later * STEP)


def enrol(call: Call, user: str = "ann") -> tuple[str, list[str]]:
    """Set one up by the routes; returns the secret and the recovery codes.

    The present code is used up; the next one is left for a log-in, and is the present one if half
    a minute passes meanwhile.
    """
    secret = call(user, "POST", OWN, json={"password": "correct horse"}).json["secret"]
    answer = call(user, "PUT", OWN, json={"code": make_code(secret)})
    assert answer.status_code == 200
    return secret, answer.json["recovery_codes"]


def begin(app: APIFlask, user: str = "ann") -> str:
    """Log in as far as the password leads."""
    body = {"user": user, "password": "correct horse"}
    answer = app.test_client().post("/v1/sessions", json=body)
    assert (answer.status_code, list(answer.json)) == (202, ["pending"])
    return str(answer.json["pending"])


def finish(app: APIFlask, pending: str, code: str) -> TestResponse:
    """Send the code."""
    body = {"pending": pending, "code": code}
    return app.test_client().post("/v1/sessions/second-factor", json=body)


def test_log_in_needs_password_and_code(app: APIFlask, call: Call) -> None:
    """The password alone opens nothing, and what it gives is no session."""
    secret, _ = enrol(call)
    pending = begin(app)
    headers = {"Authorization": f"Bearer {pending}"}
    check_error(app.test_client().get("/v1/xrays", headers=headers), 401, "not_logged_in")
    check_error(finish(app, pending, "000000x"), 401, "wrong_code")
    opened = finish(app, pending, make_code(secret, 1))
    assert (opened.status_code, opened.json["user"]) == (201, "ann")
    headers = {"Authorization": f"Bearer {opened.json['token']}"}
    assert app.test_client().get("/v1/xrays", headers=headers).status_code == 200
    check_error(finish(app, pending, make_code(secret, 1)), 401, "log_in_expired")


def test_wrong_password_says_nothing_of_a_second_factor(app: APIFlask, call: Call) -> None:
    """It is answered as for a name that does not exist."""
    enrol(call)
    for user in ("ann", "nobody"):
        body = {"user": user, "password": "a guess"}
        check_error(app.test_client().post("/v1/sessions", json=body), 401, "wrong_password")


def test_a_code_works_once(app: APIFlask, call: Call) -> None:
    """Whoever saw it cannot use it again, nor one before it, such as that of the set-up."""
    secret, _ = enrol(call)
    earlier, code = make_code(secret), make_code(secret, 1)
    check_error(finish(app, begin(app), earlier), 401, "wrong_code")
    assert finish(app, begin(app), code).status_code == 201
    for seen in (code, earlier):
        check_error(finish(app, begin(app), seen), 401, "wrong_code")


@pytest.mark.parametrize(
    ("later", "valid"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_clock_may_be_wrong_by_one_step(app: APIFlask, call: Call, later: int, valid: bool) -> None:
    """Half a minute either way, and no more."""
    assert call("ann", "GET", OWN).json["enrolled"] is False
    factors: SecondFactors = app.extensions["second_factors"]
    secret = factors.begin("ann")
    factors.confirm("ann", make_code(secret, at=NOW - timedelta(hours=1)), NOW - timedelta(hours=1))
    code = make_code(secret, later, NOW)
    if valid:
        factors.verify("ann", code, NOW)
    else:
        with pytest.raises(WrongCode):
            factors.verify("ann", code, NOW)


def test_recovery_codes_work_once_each(app: APIFlask, call: Call) -> None:
    """As printed, with hyphens and in any case; the person is told how many are left."""
    _, codes = enrol(call)
    assert len(set(codes)) == 10
    printed = f" {codes[0][:5].upper()}-{codes[0][5:]} "
    assert finish(app, begin(app), printed).status_code == 201
    check_error(finish(app, begin(app), codes[0]), 401, "wrong_code")
    assert finish(app, begin(app), codes[1]).status_code == 201
    assert call("ann", "GET", OWN).json == {
        "enrolled": True,
        "required": False,
        "recovery_codes": 8,
    }


def test_guessing_codes_is_stopped(app: APIFlask, call: Call, client: redis.Redis) -> None:
    """Ten wrong ones within an hour, with however many log-ins; then not even the right one."""
    secret, _ = enrol(call)
    for number in range(10):
        check_error(finish(app, begin(app), f"wrong{number}"), 401, "wrong_code")
        client.delete("tries:ann:127.0.0.1")  # as from another address
    answer = finish(app, begin(app), make_code(secret))
    check_error(answer, 429, "too_many_codes")
    assert answer.headers["Retry-After"] == "3600"
    assert 0 < client.ttl("codes:ann") <= 3600


def test_a_held_log_in_ends(app: APIFlask, call: Call, client: redis.Redis) -> None:
    """After five minutes, and with a new password."""
    secret, _ = enrol(call)
    late, changed = begin(app), begin(app)
    [key, _] = sorted(client.keys("pending:*"))
    assert 0 < client.ttl(key) <= 300
    assert late not in key and changed not in key
    app.extensions["accounts"].set_password("ann", "another horse")
    check_error(finish(app, changed, make_code(secret, 1)), 401, "log_in_expired")
    for key in client.keys("pending:*"):
        client.expireat(key, 1)
    check_error(finish(app, late, make_code(secret, 1)), 401, "log_in_expired")


def test_an_open_page_alone_changes_no_second_factor(app: APIFlask, call: Call) -> None:
    """Setting one up, another one, or removing it needs the password."""
    check_error(call("ann", "POST", OWN, json={"password": "a guess"}), 401, "wrong_password")
    check_error(call("ann", "PUT", OWN, json={"code": "123456"}), 409, "no_secret")
    secret, _ = enrol(call)
    removal = f"{OWN}/removal"
    check_error(call("ann", "POST", removal, json={"password": "a guess"}), 401, "wrong_password")
    call("ann", "POST", OWN, json={"password": "correct horse"})  # begun, but not confirmed
    assert finish(app, begin(app), make_code(secret, 1)).status_code == 201
    body = {"password": "correct horse"}
    assert call("ann", "POST", removal, json=body).status_code == 204
    answer = app.test_client().post("/v1/sessions", json={"user": "ann", **body})
    assert answer.status_code == 201


def test_site_requires_it_of_everybody(app: APIFlask, call: Call) -> None:
    """Who has none can do nothing else, at once; programs go on; who stated it is kept."""
    enrol(call, "lead")
    path = "/v1/site/second-factor"
    check_error(call("ann", "POST", path, json={"required": True}), 403, "not_an_admin")
    for _ in range(2):
        assert call("lead", "POST", path, json={"required": True}).status_code == 204
    check_error(call("ann", "GET", "/v1/xrays"), 403, "second_factor_needed")
    assert call("machine", "GET", "/v1/xrays").status_code == 200
    assert call("ann", "GET", OWN).json["required"] is True
    enrol(call)
    assert call("ann", "GET", "/v1/xrays").status_code == 200
    answer = call("ann", "POST", f"{OWN}/removal", json={"password": "correct horse"})
    check_error(answer, 409, "factor_required")
    stated = call("lead", "GET", "/v1/site").json["requirements"]
    assert [(each["required"], each["by"]) for each in stated] == [(True, "lead")]


def test_admin_removes_that_of_somebody_who_lost_it(app: APIFlask, call: Call) -> None:
    """Then the password is enough; recovery codes are gone, too."""
    enrol(call)
    body = {"user": "ann"}
    check_error(call("ann", "POST", "/v1/people/removed-factors", json=body), 403, "not_an_admin")
    listed = {each["user"]: each for each in call("lead", "GET", "/v1/people").json["people"]}
    assert listed["ann"]["has_factor"] and not listed["lead"]["has_factor"]
    assert call("lead", "POST", "/v1/people/removed-factors", json=body).status_code == 204
    log_in = {"user": "ann", "password": "correct horse"}
    assert app.test_client().post("/v1/sessions", json=log_in).status_code == 201
    nobody = call("lead", "POST", "/v1/people/removed-factors", json={"user": "nobody"})
    check_error(nobody, 404, "no_such_person")
