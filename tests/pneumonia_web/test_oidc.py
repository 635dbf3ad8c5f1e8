"""Log-in by an OpenID provider: the pages, a real API and a real provider, without the rest."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pneumonia_web.app import create_app
from tests.oidc.running import CALLBACK, RunningProvider, running_provider, write_settings
from tests.pneumonia_api.redis_server import running_redis
from tests.pneumonia_web.serving import serving_api
from tests.stack import free_ports

PUBLIC_URL = "https://xray.hospital.example"
STALE = "This log-in was finished already or begun too long ago; begin again."


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningProvider, Flask]]:
    """A provider, and the web before an API that knows it."""
    folder: Path = tmp_path_factory.mktemp("oidc")
    with (
        running_redis(free_ports()["REDIS_PORT"], folder) as redis_url,
        running_provider() as provider,
    ):
        settings = write_settings(provider.issuer, PUBLIC_URL)
        stored = {"REDIS_URL": redis_url, "API_KEY": "k", "IMAGE_STORE": folder.as_uri()}
        with serving_api({**stored, **settings}) as (api_url, _):
            own = {"API_URL": api_url, "SECRET_KEY": "s" * 32, "OIDC_NAME": "the ward's account"}
            web = create_app({**own, **settings})
            web.config.update(WTF_CSRF_ENABLED=False, SESSION_COOKIE_SECURE=False)
            yield provider, web


@pytest.fixture
def provider(running: tuple[RunningProvider, Flask]) -> RunningProvider:
    """The provider, with a reader and no lie."""
    running[0].lie()
    running[0].add_person("s-anna", preferred_username="anna", groups=["radiology"])
    return running[0]


@pytest.fixture
def browser(running: tuple[RunningProvider, Flask], provider: RunningProvider) -> FlaskClient:
    """A browser with nothing in it."""
    del provider
    return running[1].test_client()


def go_there(browser: FlaskClient, query: str = "") -> str:
    """The address of the provider that the button leads to."""
    answer = browser.get(f"/login/oidc{query}")
    assert answer.status_code == 303
    return answer.location


def come_back(browser: FlaskClient, brought: dict[str, str]) -> tuple[int, str, str]:
    """Status, address of a redirect and text of the page that the provider leads to."""
    answer = browser.get(f"{CALLBACK}?{urlencode(brought)}")
    return answer.status_code, answer.location or "", unescape(answer.text)


def log_in(
    browser: FlaskClient, provider: RunningProvider, query: str = ""
) -> tuple[int, str, str]:
    """The whole way round as Anna."""
    return come_back(browser, provider.log_in(go_there(browser, query), "s-anna"))


def test_the_button_leads_round_to_the_page_that_was_asked_for(
    browser: FlaskClient, provider: RunningProvider
) -> None:
    """The address to come back to is the site's own, whatever the Host header says."""
    asked = browser.get("/xrays?q=Study").location
    page = browser.get(asked).text
    assert "Log in with the ward" in page, re.findall("Log in with[^<]*", page)
    link = unescape(re.search(r'href="(/login/oidc[^"]*)"', page)[1])
    misled = browser.get(link, headers={"Host": "evil.example"}).location
    assert "evil" not in misled
    answer = browser.get(link)
    query = {name: found[0] for name, found in parse_qs(urlsplit(answer.location).query).items()}
    assert query["redirect_uri"] == PUBLIC_URL + CALLBACK
    assert (query["code_challenge_method"], query["response_type"]) == ("S256", "code")
    assert len(query["state"]) >= 43 and len(query["nonce"]) >= 43
    assert "secret" not in answer.location
    status, location, _ = come_back(browser, provider.log_in(answer.location, "s-anna"))
    assert (status, location) == (303, "/xrays?q=Study")
    assert "anna (SSO)" in browser.get("/preferences").text


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/login", "/xrays\n"]
)
def test_no_other_site_can_be_the_end(
    browser: FlaskClient, provider: RunningProvider, target: str
) -> None:
    """An address that is no page of this site leads to the worklist."""
    status, location, _ = log_in(browser, provider, f"?{urlencode({'next': target})}")
    assert (status, location) == (303, "/xrays")


def test_two_tabs_and_the_back_button(browser: FlaskClient, provider: RunningProvider) -> None:
    """Each tab finishes its own log-in; a page that was finished leads on, or says so."""
    first, second = go_there(browser, "?next=/site"), go_there(browser, "?next=/about")
    browser.get("/xrays")  # a third tab, which is sent to the log-in page
    brought = provider.log_in(first, "s-anna")
    assert come_back(browser, provider.log_in(second, "s-anna"))[:2] == (303, "/about")
    assert come_back(browser, brought)[:2] == (303, "/site#unlocked")
    assert come_back(browser, brought)[:2] == (302, "/xrays")
    browser.post("/logout")
    status, _, text = come_back(browser, brought)
    assert (status, STALE in text) == (400, True)
    assert 'href="/login/oidc"' in text


def test_a_log_in_that_another_browser_began_is_refused(
    browser: FlaskClient, provider: RunningProvider, running: tuple[RunningProvider, Flask]
) -> None:
    """An attacker cannot have a clinician work under the attacker's name."""
    attacker = running[1].test_client()
    brought = provider.log_in(go_there(attacker), "s-anna")
    status, _, text = come_back(browser, brought)
    assert (status, STALE in text) == (400, True)
    assert browser.get("/preferences").location.startswith("/login")


def test_what_goes_wrong_is_said(browser: FlaskClient, provider: RunningProvider) -> None:
    """With the status, and the way to try again."""
    brought = provider.log_in(go_there(browser), "s-anna", action="deny")
    status, _, text = come_back(browser, {**brought, "error": "access_denied"})
    assert (status, "did not let you in" in text) == (403, True)
    provider.add_person("s-anna", groups=["strangers"])
    status, _, text = log_in(browser, provider)
    assert (status, "gives you no role here" in text) == (403, True)
    provider.lie(claims={"nonce": "of somebody else"})
    status, _, text = log_in(browser, provider)
    assert (status, "could not be trusted" in text) == (403, True)
    answer = browser.get("/preferences")
    assert answer.location.startswith("/login")


def test_log_out_goes_on_to_the_provider(browser: FlaskClient, provider: RunningProvider) -> None:
    """The session has ended here first; the provider sends the browser back to the log-in page."""
    log_in(browser, provider)
    answer = browser.post("/logout")
    assert answer.status_code == 200
    target = unescape(re.search(r'content="0; url=([^"]+)"', answer.text)[1])
    assert target.startswith(f"{provider.issuer}/oauth2/end_session?")
    query = parse_qs(urlsplit(target).query)
    assert query["post_logout_redirect_uri"] == [f"{PUBLIC_URL}/login"]
    assert query["client_id"] == ["pneumonia"]
    assert query["id_token_hint"][0].count(".") == 2
    assert browser.get("/xrays").location.startswith("/login")


def test_a_locked_page_asks_the_provider_anew(
    browser: FlaskClient, provider: RunningProvider
) -> None:
    """There is no password to ask for; the provider must not let somebody in because it knows the
    browser."""
    log_in(browser, provider)
    with browser.session_transaction() as session:
        session["active"] -= 3600
        before = session["csrf_token"] = "as in the open forms"
    assert browser.get("/xrays").location == "/unlock?next=/xrays"
    page = browser.get("/unlock?next=/xrays").text
    assert "Password" not in page
    there = go_there(browser, "?next=/xrays")
    assert parse_qs(urlsplit(there).query)["prompt"] == ["login"]
    assert parse_qs(urlsplit(there).query)["max_age"] == ["0"]
    provider.lie(claims={"auth_time": 1_700_000_000})
    status, _, text = come_back(browser, provider.log_in(there, "s-anna"))
    assert (status, "could not be trusted" in text) == (403, True)
    assert browser.get("/xrays").location == "/unlock?next=/xrays"
    provider.lie()
    assert log_in(browser, provider, "?next=/xrays")[:2] == (303, "/xrays#unlocked")
    assert browser.get("/preferences").status_code == 200
    with browser.session_transaction() as session:
        assert session["csrf_token"] == before


def test_pages_of_people_say_where_they_come_from(
    browser: FlaskClient, provider: RunningProvider
) -> None:
    """Their roles cannot be set, their sessions can be ended; they have no password to change."""
    provider.add_person("s-boss", preferred_username="boss", groups=["CN=it,OU=x"])
    log_in(browser, provider)
    preferences = browser.get("/preferences").text
    assert "/password" not in preferences and "/second-factor" not in preferences
    come_back(browser, provider.log_in(go_there(browser), "s-boss"))
    page = browser.get("/people").text
    mine = page.split("<h2>anna (SSO)")[1].split("<h2>")[0]
    assert "Organisation's account" in unescape(mine)
    assert "<code>s-anna</code>" in mine
    assert 'value="roles"' not in mine and 'value="link"' not in mine
    assert 'value="disable"' in mine and 'value="end"' in mine


def test_another_person_ends_the_session_of_the_first(
    browser: FlaskClient, provider: RunningProvider
) -> None:
    """At a shared computer: nothing of the first is left in the browser."""
    provider.add_person("s-lead", preferred_username="lea", groups=["heads"])
    log_in(browser, provider)
    with browser.session_transaction() as session:
        session["csrf_token"] = "of anna"
    assert come_back(browser, provider.log_in(go_there(browser), "s-lead"))[0] == 303
    with browser.session_transaction() as session:
        assert (session["user"], session["roles"]) == ("lea (SSO)", ["lead"])
        assert "csrf_token" not in session
