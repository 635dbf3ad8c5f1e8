"""Log-in by an OpenID provider that runs: who gets in, as whom, and with which roles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask

from pneumonia_api.app import create_app
from tests.oidc.flow import ask, begin, finish, log_in
from tests.oidc.running import RunningProvider, running_provider, write_settings
from tests.pneumonia_api.errors import check_error

PUBLIC_URL = "https://xray.hospital.example"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    """A provider for all tests of this module."""
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: RunningProvider) -> RunningProvider:
    """The provider, with two people and no lie."""
    running.lie()
    running.add_person("s-anna", preferred_username="anna", groups=["radiology"])
    running.add_person("s-boss", preferred_username="boss", groups=["CN=it,OU=x", "other"])
    return running


@pytest.fixture
def app(client: redis.Redis, redis_url: str, tmp_path: Path, provider: RunningProvider) -> APIFlask:
    """The API with the provider."""
    del client
    return create_app(
        {
            "REDIS_URL": redis_url,
            "API_KEY": "key-of-the-test",
            "IMAGE_STORE": tmp_path.as_uri(),
            **write_settings(provider.issuer, PUBLIC_URL),
        }
    )


def test_a_person_gets_in_with_the_roles_of_the_claim(
    app: APIFlask, provider: RunningProvider
) -> None:
    """Under a name of their own, and with no password."""
    answer = log_in(app, provider, "s-anna")
    assert answer.status_code == 201
    assert (answer.json["user"], answer.json["roles"]) == ("anna (SSO)", ["clinician"])
    assert ask(app, answer.json["token"], "GET", "/v1/xrays").status_code == 200
    check_error(ask(app, answer.json["token"], "GET", "/v1/people"), 403, "not_an_admin")
    admin = log_in(app, provider, "s-boss").json
    people = ask(app, admin["token"], "GET", "/v1/people").json["people"]
    assert [(each["user"], each["state"]) for each in people] == [
        ("anna (SSO)", "active"),
        ("boss (SSO)", "active"),
    ]
    assert len(people[0]["sessions"]) == 1


def test_nobody_becomes_somebody_with_a_password(app: APIFlask, provider: RunningProvider) -> None:
    """Neither one of the same name, nor a second person of the provider with that name."""
    accounts = app.extensions["accounts"]
    accounts.set_password("anna", "correct horse")
    provider.add_person("s-anna-2", preferred_username="anna", groups=["heads"])
    names = [
        log_in(app, provider, subject).json["user"]
        for subject in ("s-anna", "s-anna-2", "s-anna", "s-anna-2")
    ]
    assert names == ["anna (SSO)", "anna 2 (SSO)"] * 2
    assert accounts.list_users() == ["anna", "anna (SSO)", "anna 2 (SSO)"]
    new = {"user": "anna 3 (SSO)", "roles": ["clinician"]}
    admin = log_in(app, provider, "s-boss").json["token"]
    check_error(ask(app, admin, "POST", "/v1/people", json=new), 422, "invalid_request")


def test_a_name_outlives_its_person(app: APIFlask, provider: RunningProvider) -> None:
    """Who comes later does not get the readings of who was deleted."""
    log_in(app, provider, "s-anna")
    app.extensions["accounts"].delete("anna (SSO)")
    provider.add_person("s-anna-3", preferred_username="anna", groups=["radiology"])
    assert log_in(app, provider, "s-anna-3").json["user"] == "anna 2 (SSO)"


def test_roles_are_those_of_the_last_log_in(app: APIFlask, provider: RunningProvider) -> None:
    """Other ones end the sessions with the old ones; none at all end them, too."""
    first = log_in(app, provider, "s-anna").json["token"]
    second = log_in(app, provider, "s-anna").json["token"]
    assert ask(app, first, "GET", "/v1/site").status_code == 200
    provider.add_person("s-anna", groups="heads science")
    third = log_in(app, provider, "s-anna").json
    assert third["roles"] == ["lead", "ml_engineer"]
    for token in (first, second):
        check_error(ask(app, token, "GET", "/v1/site"), 401, "not_logged_in")
    for groups in (["strangers"], [], None, 7, {"radiology": 1}):
        provider.add_person("s-anna", groups=groups)
        check_error(log_in(app, provider, "s-anna"), 403, "no_known_role")
    check_error(ask(app, third["token"], "GET", "/v1/site"), 401, "not_logged_in")
    assert app.extensions["accounts"].list_roles("anna (SSO)") == frozenset()


def test_who_is_disabled_stays_out(app: APIFlask, provider: RunningProvider) -> None:
    """The provider cannot let somebody in whom an admin has put out."""
    token = log_in(app, provider, "s-anna").json["token"]
    app.extensions["directory"].disable("anna (SSO)")
    check_error(ask(app, token, "GET", "/v1/site"), 401, "not_logged_in")
    check_error(log_in(app, provider, "s-anna"), 403, "person_disabled")
    app.extensions["directory"].enable("anna (SSO)")
    assert log_in(app, provider, "s-anna").status_code == 201


def test_a_code_works_once(app: APIFlask, provider: RunningProvider) -> None:
    """And only for the log-in that it was given for."""
    brought = provider.log_in(begin(app)["url"], "s-anna")
    assert finish(app, brought).status_code == 201
    check_error(finish(app, brought), 401, "log_in_stale")
    check_error(finish(app, {**brought, "state": begin(app)["state"]}), 403, "provider_refused")
    check_error(finish(app, {**brought, "state": "guess"}), 401, "log_in_stale")
    # A stolen code is of no use to who began another log-in: PKCE binds it to this one.
    mine, stolen = begin(app), provider.log_in(begin(app)["url"], "s-boss")
    check_error(finish(app, {**stolen, "state": mine["state"]}), 403, "provider_refused")


def test_a_site_without_a_provider_says_so(redis_url: str, tmp_path: Path) -> None:
    """As the routes are in every API."""
    app = create_app({"REDIS_URL": redis_url, "API_KEY": "k", "IMAGE_STORE": tmp_path.as_uri()})
    check_error(app.test_client().post("/v1/sessions/oidc", json={}), 404, "no_provider")


def test_roles_and_passwords_of_these_people_are_not_set_here(
    app: APIFlask, provider: RunningProvider
) -> None:
    """Another log-in would overwrite them, and a password would outlive the account there."""
    log_in(app, provider, "s-anna")
    admin = log_in(app, provider, "s-boss").json["token"]
    person = {"user": "anna (SSO)"}
    roles = {**person, "roles": ["admin"]}
    check_error(ask(app, admin, "PUT", "/v1/people/roles", json=roles), 409, "of_provider")
    check_error(ask(app, admin, "POST", "/v1/people/links", json=person), 409, "of_provider")
    [anna, _] = ask(app, admin, "GET", "/v1/people").json["people"]
    assert (anna["subject"], anna["roles"]) == ("s-anna", ["clinician"])
    for password in ("", "None", "correct horse"):
        credentials = {**person, "password": password}
        assert app.test_client().post("/v1/sessions", json=credentials).status_code in (401, 422)


def test_sessions_are_listed_and_ended_like_any(
    app: APIFlask, client: redis.Redis, provider: RunningProvider
) -> None:
    """What is kept beside a session goes with it."""
    token = log_in(app, provider, "s-anna").json["token"]
    admin = log_in(app, provider, "s-boss").json["token"]
    [anna, _] = ask(app, admin, "GET", "/v1/people").json["people"]
    [session] = anna["sessions"]
    ended = {"user": "anna (SSO)", "session": session["id"]}
    assert ask(app, admin, "POST", "/v1/people/ended-sessions", json=ended).status_code == 204
    check_error(ask(app, token, "GET", "/v1/site"), 401, "not_logged_in")
    assert len([*client.scan_iter("opened:*")]) == 1


def test_the_audit_knows_who_got_in_and_who_did_not(
    app: APIFlask, client: redis.Redis, provider: RunningProvider
) -> None:
    """By name once the provider has proved it, and nothing of a code or a token."""
    brought = provider.log_in(begin(app)["url"], "s-anna")
    finish(app, brought)
    finish(app, brought)
    provider.add_person("s-anna", groups=[])
    log_in(app, provider, "s-anna")
    lines = [fields for _, fields in client.xrange("audit")]
    assert [(each["action"], each["who"], each["outcome"]) for each in lines] == [
        ("log_in", "anna (SSO)", "done"),
        ("log_in", "", "refused"),
        ("log_in", "anna (SSO)", "refused"),
    ]
    assert brought["code"] not in str(lines) and brought["state"] not in str(lines)


def test_the_command_gives_nobody_of_the_provider_a_password(
    app: APIFlask, provider: RunningProvider
) -> None:
    """By which they could log in when they no longer can there."""
    log_in(app, provider, "s-anna")
    done = app.test_cli_runner().invoke(args=["users", "add", "anna (SSO)"])
    assert done.exit_code == 2 and "OpenID provider" in done.output


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "machine:gateway", "name": "Bo"}, "Bo (SSO)"),
        ({"preferred_username": "machine", "name": "Cy"}, "Cy (SSO)"),
        ({"preferred_username": "dicom:CT", "name": " Di\n "}, "Di (SSO)"),
        ({"preferred_username": "", "name": 7}, "person (SSO)"),
        ({"preferred_username": "e" * 200}, f"{'e' * 58} (SSO)"),
        ({"preferred_username": "boss (SSO)"}, "boss (SSO) (SSO)"),
    ],
)
def test_what_the_provider_says_is_no_name_of_a_program(
    app: APIFlask, provider: RunningProvider, claims: dict[str, object], name: str
) -> None:
    """Nor of somebody else, nor longer than a name may be."""
    provider.add_person("s-named", groups=["radiology"], **claims)
    assert log_in(app, provider, "s-named").json["user"] == name
