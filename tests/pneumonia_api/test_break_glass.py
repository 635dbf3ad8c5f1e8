"""Passwords switched off for all but one admin, who gets in while the provider is away."""

from pathlib import Path

import pyotp
import pytest
import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.app import create_app
from pneumonia_api.config import ConfigError
from pneumonia_api.roles import Role
from tests.oidc.flow import ask
from tests.oidc.running import write_settings
from tests.pneumonia_api.errors import check_error

AWAY = "http://127.0.0.1:1"


def create(redis_url: str, folder: Path, **settings: str) -> APIFlask:
    """An API whose provider does not answer."""
    own = {"REDIS_URL": redis_url, "API_KEY": "key-of-the-test", "IMAGE_STORE": folder.as_uri()}
    return create_app({**own, **write_settings(AWAY, "https://xray.example"), **settings})


@pytest.fixture
def before(client: redis.Redis, redis_url: str, tmp_path: Path) -> APIFlask:
    """The API while passwords are on, with three people."""
    del client
    app = create(redis_url, tmp_path)
    accounts = app.extensions["accounts"]
    for user, roles in {"glass": {Role.ADMIN}, "boss": {Role.ADMIN}, "ann": {Role.LEAD}}.items():
        accounts.set_password(user, "correct horse")
        accounts.set_roles(user, roles)
    return app


@pytest.fixture
def app(before: APIFlask, redis_url: str, tmp_path: Path) -> APIFlask:
    """The API of the same site once passwords are off."""
    del before
    return create(redis_url, tmp_path, BREAK_GLASS_ADMIN="glass")


PASSWORD = "correct horse"


def log_in(app: APIFlask, user: str, password: str = PASSWORD) -> TestResponse:
    """By password."""
    return app.test_client().post("/v1/sessions", json={"user": user, "password": password})


def test_one_admin_gets_in_and_nobody_else(app: APIFlask) -> None:
    """Whether the password is right is not told."""
    for user in ("boss", "ann", "nobody"):
        for password in ("correct horse", "wrong horse"):
            check_error(log_in(app, user, password), 403, "passwords_off")
    check_error(log_in(app, "glass", "wrong horse"), 401, "wrong_password")
    token = log_in(app, "glass").json["token"]
    assert ask(app, token, "GET", "/v1/people").status_code == 200


def test_who_is_no_admin_any_more_stays_out(app: APIFlask) -> None:
    """The name alone is not enough."""
    app.extensions["accounts"].set_roles("glass", {Role.LEAD})
    check_error(log_in(app, "glass"), 403, "passwords_off")


def test_the_second_factor_of_that_admin_works(app: APIFlask) -> None:
    """As of everybody with a password."""
    token = log_in(app, "glass").json["token"]
    own = "/v1/sessions/current/second-factor"
    secret = ask(app, token, "POST", own, json={"password": "correct horse"}).json["secret"]
    code = pyotp.TOTP(secret).now()
    assert ask(app, token, "PUT", own, json={"code": code}).status_code == 200
    assert log_in(app, "glass").status_code == 202


def test_sessions_of_before_have_ended(before: APIFlask, app: APIFlask) -> None:
    """But for that of the one admin."""
    tokens = {user: log_in(before, user).json["token"] for user in ("glass", "ann")}
    assert ask(before, tokens["ann"], "GET", "/v1/site").status_code == 200
    check_error(ask(app, tokens["ann"], "GET", "/v1/site"), 401, "not_logged_in")
    assert ask(app, tokens["glass"], "GET", "/v1/site").status_code == 200


def test_nobody_is_invited(before: APIFlask, app: APIFlask) -> None:
    """A password would open nothing; a link of before opens nothing either."""
    token = log_in(app, "glass").json["token"]
    new = {"user": "eve", "roles": ["lead"]}
    check_error(ask(app, token, "POST", "/v1/people", json=new), 403, "passwords_off")
    link = {"user": "ann"}
    check_error(ask(app, token, "POST", "/v1/people/links", json=link), 403, "passwords_off")
    earlier = log_in(before, "boss").json["token"]
    secret = ask(before, earlier, "POST", "/v1/people/links", json=link).json["token"]
    redeemed = {"token": secret, "password": "another horse"}
    assert app.test_client().post("/v1/links", json=redeemed).status_code == 200
    check_error(log_in(app, "ann", "another horse"), 403, "passwords_off")


def test_programs_go_on(app: APIFlask) -> None:
    """Their keys are no passwords."""
    assert ask(app, "key-of-the-test", "GET", "/v1/xrays").status_code == 200


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"BREAK_GLASS_ADMIN": "glass", "OIDC_ISSUER": ""}, "BREAK_GLASS_ADMIN"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_SECRET": ""}, "OIDC_CLIENT_SECRET"),
        ({"OIDC_ROLES": ""}, "OIDC_ROLES"),
        ({"OIDC_ROLES": "radiology"}, "OIDC_ROLES"),
        ({"OIDC_ROLES": "radiology=surgeon"}, "OIDC_ROLES"),
        ({"OIDC_ROLES": "=lead"}, "OIDC_ROLES"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "http://xray.example"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "xray.example"}, "PUBLIC_URL"),
        ({"OIDC_ISSUER": "http://login.example"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://login.example/?tenant=1"}, "OIDC_ISSUER"),
    ],
)
def test_settings_that_cannot_work_end_the_start(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    """And are named, without their values."""
    with pytest.raises(ConfigError, match=named) as caught:
        create("redis://127.0.0.1:1/0", tmp_path, **settings)
    assert "secret-of-the-test" not in str(caught.value)
