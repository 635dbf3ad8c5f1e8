"""A token that is not the answer to this log-in opens no session, nor does what is no provider."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from apiflask import APIFlask

from pneumonia_api.app import create_app
from pneumonia_api.provider import METADATA_SECONDS
from tests.oidc.flow import ask, begin, finish, log_in
from tests.oidc.running import RunningProvider, running_provider, write_settings
from tests.pneumonia_api.errors import check_error
from tests.scrape import read_value
from tests.stack import free_ports

PUBLIC_URL = "https://xray.hospital.example"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    """A provider for all tests of this module."""
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: RunningProvider) -> RunningProvider:
    """The provider, with a reader and no lie."""
    running.lie()
    running.add_person("s-anna", preferred_username="anna", groups=["radiology"])
    return running


def create(redis_url: str, folder: Path, **settings: str) -> APIFlask:
    """An API with these settings."""
    own = {"REDIS_URL": redis_url, "API_KEY": "key-of-the-test", "IMAGE_STORE": folder.as_uri()}
    return create_app({**own, **settings})


@pytest.fixture
def app(client: redis.Redis, redis_url: str, tmp_path: Path, provider: RunningProvider) -> APIFlask:
    """The API with the provider, and an empty Redis."""
    del client
    return create(redis_url, tmp_path, **write_settings(provider.issuer, PUBLIC_URL))


@pytest.mark.parametrize(
    "lie",
    [
        {"claims": {"nonce": "of another log-in"}},
        {"claims": {"nonce": None}},
        {"claims": {"aud": "another-site"}},
        {"claims": {"aud": "another-site", "azp": "pneumonia"}},
        {"claims": {"aud": ["pneumonia", "another-site"]}},
        {"claims": {"aud": ["pneumonia", "another-site"], "azp": "another-site"}},
        {"claims": {"aud": None}},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"iss": None}},
        {"claims": {"exp": int(time.time()) - 120}},
        {"claims": {"iat": int(time.time()) + 3600}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": "x" * 256}},
        {"claims": {"sub": ["s-anna"]}},
        {"claims": {"at_hash": "of another access token"}},
        {"sign": "other"},
        {"sign": "none"},
        {"sign": "hmac"},
        {"sign": "garbage"},
        {"sign": "missing"},
    ],
    ids=lambda lie: "-".join(f"{key}-{value}"[:40] for key, value in lie.items()),
)
def test_a_token_that_is_wrong_opens_nothing(
    app: APIFlask, client: redis.Redis, provider: RunningProvider, lie: dict[str, object]
) -> None:
    """And makes no person."""
    provider.lie(**lie)
    check_error(log_in(app, provider, "s-anna"), 403, "token_refused")
    assert [*client.scan_iter("session:*"), *client.scan_iter("user:*")] == []
    provider.lie()
    assert log_in(app, provider, "s-anna").status_code == 201


def test_clocks_may_differ_by_a_minute(app: APIFlask, provider: RunningProvider) -> None:
    """A token from fifty seconds ahead is taken."""
    provider.lie(seconds=50)
    assert log_in(app, provider, "s-anna").status_code == 201


def test_who_has_to_log_in_anew_must_have_done_so(app: APIFlask, provider: RunningProvider) -> None:
    """For a page that was left open: the provider's memory of the browser is not enough."""
    begun = begin(app, again=True)
    query = parse_qs(urlsplit(begun["url"]).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    assert finish(app, provider.log_in(begun["url"], "s-anna")).status_code == 201
    for auth_time in (int(time.time()) - 300, None, "now"):
        provider.lie(claims={"auth_time": auth_time})
        check_error(log_in(app, provider, "s-anna", again=True), 403, "token_refused")
        if auth_time != "now":
            assert log_in(app, provider, "s-anna").status_code == 201


def test_roles_may_be_in_user_info_or_within_a_claim(
    app: APIFlask, redis_url: str, tmp_path: Path, provider: RunningProvider
) -> None:
    """UserInfo counts only if it is about the same person."""
    provider.lie(claims={"groups": None})
    assert log_in(app, provider, "s-anna").json["roles"] == ["clinician"]
    provider.lie(claims={"groups": None, "sub": "s-other"})
    check_error(log_in(app, provider, "s-anna"), 403, "no_known_role")
    provider.lie()
    provider.add_person("s-anna", realm_access={"roles": ["heads"]})
    settings = write_settings(provider.issuer, PUBLIC_URL)
    nested = {**settings, "OIDC_ROLES_CLAIM": "realm_access.roles"}
    assert log_in(create(redis_url, tmp_path, **nested), provider, "s-anna").json["roles"] == [
        "lead"
    ]


def test_a_provider_that_is_away(
    redis_url: str, client: redis.Redis, tmp_path: Path, provider: RunningProvider
) -> None:
    """503, at the beginning or in the middle; passwords go on, and a log-out does, too."""
    del client
    port = free_ports(["OIDC"])["OIDC"]
    with running_provider(port) as other:
        other.add_person("s-anna", preferred_username="anna", groups=["radiology"])
        app = create(redis_url, tmp_path, **write_settings(other.issuer, PUBLIC_URL))
        token = log_in(app, other, "s-anna").json["token"]
        brought = other.log_in(begin(app)["url"], "s-anna")
    away = finish(app, brought)
    check_error(away, 503, "provider_away")
    assert away.headers["Retry-After"] == "30"
    app.extensions["provider_people"]._provider._read_at -= METADATA_SECONDS
    check_error(app.test_client().post("/v1/sessions/oidc", json={}), 503, "provider_away")
    assert ask(app, token, "GET", "/v1/site").status_code == 200
    assert ask(app, token, "DELETE", "/v1/sessions/current").status_code == 204
    check_error(ask(app, token, "GET", "/v1/site"), 401, "not_logged_in")
    app.extensions["accounts"].set_password("ann", "correct horse")
    credentials = {"user": "ann", "password": "correct horse"}
    assert app.test_client().post("/v1/sessions", json=credentials).status_code == 201


@pytest.mark.parametrize(
    "lie",
    [
        {"status": 500},
        {"status": 302},
        {"metadata": {"issuer": "https://evil.example"}},
        {"metadata": {"authorization_endpoint": "http://evil.example/authorize"}},
        {"metadata": {"authorization_endpoint": None}},
        {"metadata": {"authorization_endpoint": "javascript:alert(1)"}},
        {"metadata": {"token_endpoint": "http://evil.example/token"}},
        {"metadata": {"jwks_uri": "file:///etc/passwd"}},
    ],
    ids=str,
)
def test_what_is_no_provider(
    redis_url: str,
    client: redis.Redis,
    tmp_path: Path,
    provider: RunningProvider,
    lie: dict[str, object],
) -> None:
    """An answer without what a log-in needs, or with an address that anybody could read along."""
    del client
    provider.lie(**lie)
    app = create(redis_url, tmp_path, **write_settings(provider.issuer, PUBLIC_URL))
    answer = app.test_client().post("/v1/sessions/oidc", json={})
    if answer.status_code == 201:
        answer = finish(app, provider.log_in(answer.json["url"], "s-anna"))
    check_error(answer, 503, "provider_away")


def test_the_second_factor_is_the_providers(app: APIFlask, provider: RunningProvider) -> None:
    """Where the site requires one: the token says whether there was one."""
    without = log_in(app, provider, "s-anna").json["token"]
    machine = "key-of-the-test"
    ask(app, machine, "POST", "/v1/site/second-factor", json={"required": True})
    check_error(ask(app, without, "GET", "/v1/site"), 403, "second_factor_needed")
    for claims in ({}, {"amr": ["pwd"]}, {"amr": "mfa"}, {"acr": "1"}):
        provider.lie(claims=claims)
        code = "token_refused" if claims.get("amr") == "mfa" else "provider_factor_needed"
        check_error(log_in(app, provider, "s-anna"), 403, code)
    for claims in ({"amr": ["pwd", "mfa"]}, {"acr": "mfa"}):
        provider.lie(claims=claims)
        token = log_in(app, provider, "s-anna").json["token"]
        assert ask(app, token, "GET", "/v1/site").status_code == 200


def test_log_ins_are_counted(app: APIFlask, provider: RunningProvider) -> None:
    """By how they ended, for an alert when the provider is away."""

    def count() -> dict[str, float]:
        text = app.test_client().get("/metrics").text
        name = "pneumonia_api_provider_log_ins_total"
        return {each: read_value(text, name, outcome=each) for each in ("ok", "refused", "away")}

    before = count()
    brought = provider.log_in(begin(app)["url"], "s-anna")
    finish(app, brought)
    finish(app, brought)
    provider.lie(status=500)
    app.extensions["provider_people"]._provider._read_at -= METADATA_SECONDS
    app.test_client().post("/v1/sessions/oidc", json={})
    assert count() == {outcome: number + 1 for outcome, number in before.items()}
