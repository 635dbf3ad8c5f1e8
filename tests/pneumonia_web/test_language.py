"""Which language a page has: the person's choice, else that of their browser, else English."""

import re
import time
from collections.abc import Iterator

import pytest
import requests

from pneumonia_api.accounts import LANGUAGES as STORED
from pneumonia_web.app import create_app
from pneumonia_web.language import LANGUAGES
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
LANGUAGE = re.compile(r'<html lang="(\w+)">')


def choose(visitor: Visitor, language: str) -> requests.Response:
    """Save the preference by its form."""
    return visitor.post("/preferences", "/preferences", data={"language": language})


@pytest.fixture
def chooser(doctor: Visitor) -> Iterator[Visitor]:
    """A person whose choice is taken back afterwards: it is theirs, not the session's."""
    yield doctor
    assert choose(doctor, "").status_code == 200


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("en-GB,de;q=0.9", "en"),
        ("de", "de"),
        ("de-CH", "de"),
        ("fr,de;q=0.8,en;q=0.7", "de"),
        ("fr,it", "en"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=nan, ,;;q", "en"),
    ],
)
def test_log_in_page_has_the_browsers_language(
    stack: Stack, asked: str | None, language: str
) -> None:
    """The best that it asks for; English if none is offered."""
    headers = {"Accept-Language": asked}  # None sends no header
    answer = requests.get(f"{stack.url}/login", headers=headers, timeout=5)
    assert LANGUAGE.findall(answer.text) == [language]
    assert answer.headers["Content-Language"] == language
    assert ("Anmelden" in answer.text) == (language == "de")
    assert ("Log in" in answer.text) == (language == "en")


def test_answers_vary_by_what_the_browser_asks_for(doctor: Visitor) -> None:
    """Pages, their parts, refusals; not images and static files."""
    for path, headers in (
        ("/login", {}),
        ("/xrays", {}),
        ("/xrays", {"HX-Request": "true"}),
        ("/nothing", {}),
        ("/xrays/0", {"HX-Request": "true"}),
        ("/nothing", {"Accept": "application/json"}),
    ):
        answer = doctor.get(path, headers={**headers, **GERMAN})
        assert "Accept-Language" in answer.headers["Vary"], path
        assert answer.headers["Content-Language"] == "de", path
    static = re.search(r'"(/static/page\.js[^"]*)"', doctor.get("/xrays").text)
    assert static
    assert "Accept-Language" not in doctor.get(static[1]).headers["Vary"]


def test_part_of_a_list_is_sent_again_in_another_language(doctor: Visitor) -> None:
    """What was seen in English is not what is to be seen in German."""
    part = {"HX-Request": "true"}
    [seen] = re.findall(r"seen=([0-9a-f]{16})", doctor.get("/xrays", headers=part).text)
    assert doctor.get(f"/xrays?seen={seen}", headers=part).status_code == 204
    other = doctor.get(f"/xrays?seen={seen}", headers={**part, **GERMAN})
    assert other.status_code == 200


def test_error_pages_have_the_browsers_language(stack: Stack) -> None:
    """Also for somebody who is not logged in."""
    answer = requests.get(f"{stack.url}/nothing", headers=GERMAN, timeout=5)
    assert answer.status_code == 404
    assert LANGUAGE.findall(answer.text) == ["de"]
    assert "Unter dieser Adresse gibt es keine Seite." in answer.text


def test_preference_comes_before_the_browser(chooser: Visitor, stack: Stack) -> None:
    """On every page from then on, and in later sessions; it can be given back to the browser."""
    saved = choose(chooser, "de")
    assert LANGUAGE.findall(saved.text) == ["de"]
    assert "Ihre Einstellungen wurden gespeichert." in saved.text
    assert '<option value="de" lang="de" selected>' in saved.text
    later = Visitor(stack.url)
    assert LANGUAGE.findall(later.log_in(stack.user, stack.password).text) == ["de"]
    page = later.get("/preferences", headers={"Accept-Language": "en"})
    assert LANGUAGE.findall(page.text) == ["de"]
    choose(later, "en")
    page = later.get("/preferences", headers=GERMAN)
    assert LANGUAGE.findall(page.text) == ["en"]
    choose(later, "")
    for headers, language in ((GERMAN, "de"), ({}, "en")):
        assert LANGUAGE.findall(later.get("/preferences", headers=headers).text) == [language]
    later.session.close()


def test_language_that_there_is_not_is_refused(chooser: Visitor) -> None:
    """422, and the page stays as it was."""
    assert choose(chooser, "xx").status_code == 422
    assert LANGUAGE.findall(chooser.get("/preferences").text) == ["en"]


def test_choice_of_a_language_keeps_what_the_site_decides() -> None:
    """The box that the site has switched on sends nothing, which is no choice."""
    app = create_app(
        {
            "API_URL": "http://127.0.0.1:1",
            "SECRET_KEY": "s",
            "COOKIE_SECURE": "0",
            "AI_AFTER_READING": "1",
        }
    )
    app.config["WTF_CSRF_ENABLED"] = False
    stored: list[tuple[bool, str | None]] = []

    class Api:
        def set_preferences(self, token: str, reads_first: bool, language: str | None) -> None:
            stored.append((reads_first, language))

    app.extensions["api"] = Api()
    client = app.test_client()
    for own in (True, False):
        with client.session_transaction() as session:
            session.update(token="t", user="u", active=time.time(), reads_first=own, language="")
        assert client.post("/preferences", data={"language": "de"}).status_code == 303
    assert stored == [(True, "de"), (False, "de")]


def test_web_and_api_know_the_same_languages() -> None:
    """The API stores what the web offers."""
    assert tuple(LANGUAGES) == STORED
