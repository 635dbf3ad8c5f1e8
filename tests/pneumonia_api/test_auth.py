"""`pneumonia_api.auth` and the `flask users` command: people, passwords and sessions."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from apiflask import APIFlask
from argon2 import PasswordHasher
from werkzeug.test import TestResponse

from pneumonia_api.accounts import Accounts
from pneumonia_api.passwords import WrongPassword
from tests.pneumonia_api.errors import check_error


def test_sessions_open_and_close(app: APIFlask) -> None:
    """Log in, use the token, log out: the token is revoked."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    web = app.test_client()
    answer = web.post("/v1/sessions", json={"user": "doctor", "password": "correct horse"})
    assert answer.status_code == 201
    bearer = {"Authorization": f"Bearer {answer.json['token']}"}
    assert web.get("/v1/xrays", headers=bearer).json["xrays"] == []
    assert web.delete("/v1/sessions/current", headers=bearer).status_code == 204
    check_error(web.get("/v1/xrays", headers=bearer), 401, "not_logged_in")


def test_wrong_password_and_unknown_name_look_alike(app: APIFlask) -> None:
    """The answer does not reveal which names exist."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    answers = [
        app.test_client().post("/v1/sessions", json={"user": user, "password": "guess"})
        for user in ("doctor", "nobody")
    ]
    for answer in answers:
        check_error(answer, 401, "wrong_password")
    assert answers[0].json == answers[1].json


def log_in(app: APIFlask, password: str, address: str) -> TestResponse:
    """Log the doctor in, as the web asks for it on behalf of a browser at `address`."""
    return app.test_client().post(
        "/v1/sessions",
        json={"user": "doctor", "password": password},
        headers={"X-Forwarded-For": address, "X-Web-Key": "key-of-the-web"},
    )


def test_guessing_passwords_is_slowed_down(app: APIFlask, client: redis.Redis) -> None:
    """Ten failures in a row close a name for five minutes, even to the right password."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    for _ in range(10):
        check_error(log_in(app, "guess", "10.0.0.1"), 401, "wrong_password")
    answer = log_in(app, "correct horse", "10.0.0.1")
    check_error(answer, 429, "too_many_failures")
    assert answer.headers["Retry-After"] == "300"
    assert 0 < client.ttl("tries:doctor:10.0.0.1") <= 300


def test_a_guesser_locks_nobody_else_out(app: APIFlask) -> None:
    """Failures count by address, too; an address that the browser itself claims is dropped."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    for number in range(11):
        log_in(app, "guess", f"10.9.9.{number}, 10.0.0.1")
    check_error(log_in(app, "correct horse", "10.0.0.1"), 429, "too_many_failures")
    assert log_in(app, "correct horse", "10.0.0.2").status_code == 201


def test_success_starts_the_count_anew(app: APIFlask) -> None:
    """Typing errors of a whole day do not add up."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    for _ in range(3):
        for _ in range(9):
            check_error(log_in(app, "typo", "10.0.0.1"), 401, "wrong_password")
        assert log_in(app, "correct horse", "10.0.0.1").status_code == 201


def test_guesses_sent_at_once_count_each(app: APIFlask) -> None:
    """Of thirty in parallel, no more than ten are verified."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: log_in(app, "guess", "10.0.0.1"), range(30)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == 10
    assert statuses.count(429) == 20


def test_new_password_ends_old_sessions_and_is_stored_as_argon2(
    app: APIFlask, client: redis.Redis
) -> None:
    """Changing the password revokes a leaked token; the password itself is stored nowhere."""
    accounts = app.extensions["accounts"]
    accounts.set_password("doctor", "correct horse")
    token = accounts.log_in("doctor", "correct horse", "10.0.0.1")
    assert accounts.find_user(token) == "doctor"
    accounts.set_password("doctor", "another horse")
    assert accounts.find_user(token) is None
    assert client.hget("user:doctor", "password").startswith("$argon2id$")
    assert not [key for key in client.keys("*") if token in key]


def test_log_in_that_meets_a_password_change_gets_no_session(
    app: APIFlask, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was verified just before the change; it opens no session after it."""
    accounts = app.extensions["accounts"]
    accounts.set_password("doctor", "correct horse")
    verify = PasswordHasher.verify

    def verify_slowly(hasher: PasswordHasher, stored: str, password: str) -> bool:
        right = verify(hasher, stored, password)
        Accounts(client, 60).set_password("doctor", "another horse")
        return right

    monkeypatch.setattr(PasswordHasher, "verify", verify_slowly)
    with pytest.raises(WrongPassword):
        accounts.log_in("doctor", "correct horse", "10.0.0.1")
    assert client.keys("session*") == []


def test_log_in_that_meets_a_deletion_gets_no_session(
    app: APIFlask, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who is deleted while the password is being verified is not logged in."""
    accounts = app.extensions["accounts"]
    accounts.set_password("doctor", "correct horse")
    verify = PasswordHasher.verify

    def verify_slowly(hasher: PasswordHasher, stored: str, password: str) -> bool:
        right = verify(hasher, stored, password)
        Accounts(client, 60).delete("doctor")
        return right

    monkeypatch.setattr(PasswordHasher, "verify", verify_slowly)
    with pytest.raises(WrongPassword):
        accounts.log_in("doctor", "correct horse", "10.0.0.1")
    assert client.keys("session*") == []


def test_session_that_opens_during_a_password_change_is_ended(
    app: APIFlask, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is retried when a session is opened meanwhile."""
    accounts = app.extensions["accounts"]
    accounts.set_password("doctor", "correct horse")
    tokens: list[str] = []
    smembers = redis.client.Pipeline.smembers

    def log_in_meanwhile(pipe: redis.client.Pipeline, key: str) -> object:
        digests = smembers(pipe, key)
        if not tokens:
            tokens.append(accounts.log_in("doctor", "correct horse", "10.0.0.1"))
        return digests

    monkeypatch.setattr(redis.client.Pipeline, "smembers", log_in_meanwhile)
    Accounts(client, 60).set_password("doctor", "another horse")
    assert accounts.find_user(tokens[0]) is None


def test_users_command_makes_lists_and_deletes(app: APIFlask) -> None:
    """`flask users`: a generated password works, a short one is refused."""
    run = app.test_cli_runner().invoke
    password = run(args=["users", "add", "ann"]).output.strip()
    assert app.extensions["accounts"].log_in("ann", password, "10.0.0.1")
    assert run(args=["users", "list"]).output == "ann\n"
    short = run(args=["users", "add", "bob", "--password-stdin"], input="short\n")
    assert short.exit_code == 2
    assert run(args=["users", "add", "machine"]).exit_code == 2
    assert run(args=["users", "delete", "ann"]).exit_code == 0
    assert run(args=["users", "delete", "ann"]).exit_code == 1
    assert run(args=["users", "list"]).output == ""


def test_preference_is_the_persons_and_outlives_sessions_and_passwords(app: APIFlask) -> None:
    """It is stored with the account, and a later log-in returns it; the machine has none."""
    client, accounts = app.test_client(), app.extensions["accounts"]
    path = "/v1/sessions/current/preferences"

    def log_in(password: str) -> tuple[dict[str, str], bool]:
        session = client.post("/v1/sessions", json={"user": "reader", "password": password}).json
        return {"Authorization": f"Bearer {session['token']}"}, session["reads_first"]

    accounts.set_password("reader", "long enough")
    person, reads_first = log_in("long enough")
    assert reads_first is False
    assert client.put(path, headers=person, json={}).status_code == 422
    answer = client.put(path, headers=person, json={"reads_first": True})
    assert (answer.status_code, answer.json) == (200, {"reads_first": True})
    accounts.set_password("reader", "another one")
    person, reads_first = log_in("another one")
    assert reads_first is True
    client.put(path, headers=person, json={"reads_first": False})
    assert log_in("another one")[1] is False

    machine = {"Authorization": f"Bearer {app.config['API_KEY']}"}
    refused = client.put(path, headers=machine, json={"reads_first": True})
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "not_a_person")
    assert not accounts.exists("machine")


def test_language_is_the_persons(app: APIFlask) -> None:
    """Stored with the account; it stays where a request lacks it; another word is refused."""
    client, accounts = app.test_client(), app.extensions["accounts"]
    path = "/v1/sessions/current/preferences"
    accounts.set_password("leserin", "long enough")
    credentials = {"user": "leserin", "password": "long enough"}

    def log_in() -> dict[str, object]:
        return dict(client.post("/v1/sessions", json=credentials).json)

    opened = log_in()
    assert opened["language"] == ""
    person = {"Authorization": f"Bearer {opened['token']}"}
    chosen = {"reads_first": False, "language": "de"}
    answer = client.put(path, headers=person, json=chosen)
    assert (answer.status_code, answer.json) == (200, chosen)
    assert log_in()["language"] == "de"
    client.put(path, headers=person, json={"reads_first": True})
    assert log_in()["language"] == "de"
    assert client.put(path, headers=person, json={**chosen, "language": "xx"}).status_code == 422
    client.put(path, headers=person, json={**chosen, "language": ""})
    assert log_in()["language"] == ""


def test_session_that_is_used_is_extended(app: APIFlask, client: redis.Redis) -> None:
    """It and the set that ends it with a password change; in the first half of its time neither."""
    accounts = app.extensions["accounts"]
    accounts.set_password("slider", "long enough")
    token = accounts.log_in("slider", "long enough", "127.0.0.1")
    full = 12 * 3600  # the default of SESSION_HOURS
    [session] = [key for key in client.scan_iter("session:*") if client.get(key) == "slider"]
    for left, expected in ((full * 2 // 3, full * 2 // 3), (full // 3, full)):
        for key in (session, "sessions:slider"):
            client.expire(key, left)
        assert accounts.find_user(token) == "slider"
        for key in (session, "sessions:slider"):
            assert client.ttl(key) == pytest.approx(expected, abs=5)
