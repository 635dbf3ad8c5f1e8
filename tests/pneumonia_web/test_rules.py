"""The table of rules: every page, opened by somebody of every role and by strangers."""

import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule as Route

from pneumonia_web.app import create_app
from pneumonia_web.rules import ADMIN, CLINICIAN, LEAD, ML_ENGINEER, PAGES, ROLES

SETTINGS = {"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "of the test"}
"""No API answers: a page that is opened says so, with status 503."""

VALUES = {"<xray_id>": "0" * 32, "<path:filename>": "icon.svg", "<form>": "csv"}

PEOPLE: dict[str, list[str]] = {**{role: [role] for role in ROLES}, "all": [*ROLES], "none": []}


@pytest.fixture(scope="module")
def app() -> Flask:
    """The web alone."""
    return create_app(SETTINGS)


def list_routes(app: Flask) -> Iterator[tuple[Route, str]]:
    """Every route with each of its methods."""
    for route in app.url_map.iter_rules():
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            yield route, method


def log_in(app: Flask, roles: list[str] | None, **more: object) -> FlaskClient:
    """A browser with the cookie of a session."""
    browser = app.test_client()
    with browser.session_transaction() as session:
        session.update(token="t", user="ann", active=int(time.time()), **more)
        if roles is not None:
            session["roles"] = roles
    return browser


def visit(browser: FlaskClient, route: Route, method: str) -> tuple[int, str, str]:
    """Status, address of a redirect, and text of the answer."""
    path = route.rule
    for name, value in VALUES.items():
        path = path.replace(name, value)
    assert "<" not in path, f"say what stands for the parameters of {path}"
    answer = browser.open(path, method=method)
    return answer.status_code, answer.headers.get("Location", ""), answer.text


def test_the_table_has_every_page_and_nothing_else(app: Flask) -> None:
    """Who adds a page decides who may open it."""
    assert {route.endpoint for route, _ in list_routes(app)} == {*PAGES}


def test_every_page_opens_to_whom_its_rule_says(app: Flask, report: Callable[[str], None]) -> None:
    """Others get a refusal in words, whoever is not logged in the log-in form."""
    tried = 0
    for route, method in list_routes(app):
        rule, where = PAGES[route.endpoint], f"{method} {route.rule}"
        for name, roles in PEOPLE.items():
            status, target, text = visit(log_in(app, roles), route, method)
            refused = status == 403 and ("Your roles" in text or "Only an administrator" in text)
            assert refused is not rule.allows(frozenset(roles)), f"{name}: {where} -> {status}"
            tried += 1
        status, target, _ = visit(app.test_client(), route, method)
        assert rule.is_open or target.startswith("/login"), f"nobody: {where} -> {status} {target}"
        tried += 1
    report(f"{len(PAGES)} pages, {tried} visits")
    assert tried >= len(PAGES) * (len(PEOPLE) + 1)


def test_a_page_without_a_rule_is_refused() -> None:
    """To everybody, whatever its code forgot."""
    app = create_app(SETTINGS)
    app.add_url_rule("/forgotten", "forgotten", lambda: "seen")
    assert app.test_client().get("/forgotten").headers["Location"] == "/login"
    answer = log_in(app, [*ROLES]).get("/forgotten")
    assert (answer.status_code, "seen" in answer.text) == (403, False)


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        ([CLINICIAN], "/xrays"),
        ([LEAD, ADMIN], "/xrays"),
        ([ADMIN], "/people"),
        ([ML_ENGINEER], "/site"),
        ([], "/preferences"),
    ],
)
def test_everybody_begins_where_they_may(app: Flask, roles: list[str], home: str) -> None:
    """Nobody meets a refusal right after the log-in."""
    assert log_in(app, roles).get("/").headers["Location"] == home


def test_what_nobody_may_open_is_not_offered(app: Flask) -> None:
    """A person without the worklist has no link to it, and no script that sends files."""
    admin = log_in(app, [ADMIN]).get("/preferences").text
    assert 'href="/xrays"' not in admin and "upload" not in admin
    assert 'href="/site"' in admin
    reader = log_in(app, [CLINICIAN]).get("/preferences").text
    assert 'href="/xrays"' in reader and "upload" in reader
    alone = log_in(app, []).get("/preferences").text
    assert 'href="/site"' not in alone and 'href="/about"' not in alone


@pytest.mark.parametrize(("admin", "status"), [(True, 400), (False, 403)])
def test_a_session_from_before_roles_goes_on(app: Flask, admin: bool, status: int) -> None:
    """With what everybody could do then; 400 is the missing token of the form."""
    browser = log_in(app, None, admin=admin)
    assert browser.get("/xrays").status_code == 503
    assert browser.post(f"/xrays/{'0' * 32}/delete").status_code == 400
    assert browser.post("/site").status_code == status
