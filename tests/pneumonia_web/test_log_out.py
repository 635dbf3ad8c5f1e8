"""Logging out while Redis is away: the web with a real API, without the rest of the stack."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from pneumonia_api.accounts import Accounts
from pneumonia_api.app import create_app as create_api
from pneumonia_web.app import create_app
from tests.pneumonia_api.cutting_proxy import CuttingProxy, cutting_proxy
from tests.pneumonia_api.redis_server import running_redis
from tests.stack import free_ports


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[tuple[CuttingProxy, str, redis.Redis]]:
    """What takes Redis away from the API, the API's address, and a way to Redis past it."""
    with (
        running_redis(free_ports()["REDIS_PORT"], tmp_path) as redis_url,
        cutting_proxy(redis_url) as (proxy, url),
        redis.Redis.from_url(redis_url, decode_responses=True) as client,
    ):
        api = create_api({"REDIS_URL": url, "API_KEY": "k", "IMAGE_STORE": tmp_path.as_uri()})
        server = make_server("127.0.0.1", 0, api, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield proxy, f"http://127.0.0.1:{server.server_port}", client
        server.shutdown()
        thread.join()
        server.server_close()


def log_in(api_url: str) -> FlaskClient:
    """A browser in which Ann has logged in."""
    web = create_app({"API_URL": api_url, "SECRET_KEY": "s" * 32})
    web.config["WTF_CSRF_ENABLED"] = False
    browser = web.test_client()
    answer = browser.post("/login", data={"user": "ann", "password": "of the test"})
    assert answer.location == "/xrays"
    return browser


def test_log_out_during_an_outage_is_not_pretended(
    outage: tuple[CuttingProxy, str, redis.Redis],
) -> None:
    """The page says that the session continues; log-out works once Redis is back."""
    proxy, api_url, client = outage
    Accounts(client, 60).set_password("ann", "of the test")
    browser = log_in(api_url)
    proxy.take_away()
    answer = browser.post("/logout")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "You are still logged in" in answer.text
    assert "try again in 30 seconds" in answer.text
    assert "Log out</button>" in answer.text
    proxy.let_back()
    assert client.keys("session:*") != []
    assert browser.get("/xrays").status_code == 200
    assert browser.post("/logout").location == "/login"
    assert client.keys("session:*") == []
    assert "/login" in browser.get("/xrays").location


def test_log_out_while_the_api_is_away_is_not_pretended() -> None:
    """No response at all: the same sentence."""
    web = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s" * 32})
    web.config["WTF_CSRF_ENABLED"] = False
    browser = web.test_client()
    with browser.session_transaction() as session:
        session["token"], session["user"] = "token", "ann"
    answer = browser.post("/logout")
    assert answer.status_code == 503
    assert "You are still logged in" in answer.text
    with browser.session_transaction() as session:
        assert session["token"] == "token"
