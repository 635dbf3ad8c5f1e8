"""The page of published models, before a real API without a worker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from pneumonia_api.records.models import Models, State
from pneumonia_api.roles import Role
from pneumonia_web.app import create_app
from tests.pneumonia_api.redis_server import running_redis
from tests.pneumonia_web.serving import serving_api
from tests.stack import free_ports

CANDIDATE, APPROVED, SERVED = "a" * 12, "c" * 12, "d" * 12


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, APIFlask]]:
    """An API with an ML engineer."""
    folder: Path = tmp_path_factory.mktemp("models")
    with running_redis(free_ports()["REDIS_PORT"], folder) as redis_url:
        settings = {"REDIS_URL": redis_url, "API_KEY": "k", "IMAGE_STORE": folder.as_uri()}
        with serving_api(settings) as (url, api):
            api.extensions["accounts"].set_password("mel", "of the test")
            api.extensions["accounts"].set_roles("mel", {Role.ML_ENGINEER})
            yield url, api


@pytest.fixture
def models(served: tuple[str, APIFlask]) -> Models:
    """Three published models, and no wish."""
    api = served[1]
    api.extensions["redis"].delete("models:wish")
    figures = {"auc_roc": [0.9871, 0.979, 0.994]}
    known = {"manifest": "e" * 64, "trained_at": "2026-11-28T10:00:00+00:00", "figures": figures}
    states = {CANDIDATE: "candidate", APPROVED: "approved", SERVED: "served"}
    found: Models = api.extensions["models"]
    found.announce([{"version": each, "state": state, **known} for each, state in states.items()])
    return found


@pytest.fixture
def browser(served: tuple[str, APIFlask]) -> FlaskClient:
    """A browser in which the engineer has logged in."""
    web = create_app({"API_URL": served[0], "SECRET_KEY": "s" * 32})
    web.config["WTF_CSRF_ENABLED"] = False
    client = web.test_client()
    client.post("/login", data={"user": "mel", "password": "of the test"})
    return client


def test_each_model_offers_what_its_state_allows(browser: FlaskClient, models: Models) -> None:
    """With figures and digest; the one in service offers nothing."""
    page = browser.get("/models").text
    parts = {each[:12]: each for each in page.split("<h2><code>")[1:]}
    assert 'value="promote"' in parts[CANDIDATE] and 'value="return"' not in parts[CANDIDATE]
    assert 'value="return"' in parts[APPROVED] and 'value="promote"' not in parts[APPROVED]
    assert "<form" not in parts[SERVED].split("</ul>")[0]
    assert "0.987 (0.979" in parts[SERVED] and "eeeeeeee" in parts[SERVED]
    assert 'href="/models"' in browser.get("/preferences").text


def test_a_wish_is_followed_until_it_has_ended(browser: FlaskClient, models: Models) -> None:
    """The page refreshes itself meanwhile, and offers nothing else; then it has the reasons."""
    answer = browser.post("/models", data={"action": "promote", "version": CANDIDATE})
    assert (answer.status_code, answer.location) == (303, "/models")
    page = browser.get("/models").text
    assert "The promotion of" in page and "waits for a worker" in page
    assert (
        'hx-trigger="every 3s, visibilitychange from:document"' in page
        and 'name="action"' not in page
    )
    late = browser.post("/models", data={"action": "check", "version": CANDIDATE})
    assert late.status_code == 409
    assert "Another model is being tried" in late.text
    now = datetime.now(UTC)
    wish = models.take(now)
    assert wish is not None
    models.end(wish, State.REFUSED, ["auc_roc of test is <0.5>."], now)
    page = browser.get("/models").text
    assert "was refused by the gate" in page and "hx-trigger" not in page.split("<article")[1]
    assert "auc_roc of test is <0.5>." in unescape(page) and "<0.5>" not in page


def test_what_is_no_wish(browser: FlaskClient, models: Models) -> None:
    """A button that there is not, and a model that there is not."""
    assert browser.post("/models", data={"action": "delete"}).status_code == 400
    gone = browser.post("/models", data={"action": "check", "version": "f" * 12})
    assert (gone.status_code, "No model of this version" in gone.text) == (404, True)


def test_without_a_store_the_page_says_so(browser: FlaskClient, models: Models) -> None:
    """In German, too."""
    models.announce(None)
    assert "ARTIFACT_STORE" in browser.get("/models").text
    german = browser.get("/models", headers={"Accept-Language": "de"}).text
    assert "keinen Speicher für Modelle" in german
