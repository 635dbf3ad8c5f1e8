"""`monitoring.logs.requests`, in the API without a worker: the id and the line of a request."""

import io
import json
import logging
from typing import Any

import pytest
import redis
from apiflask import APIFlask
from celery import Celery
from PIL import Image

from monitoring.logs.lines import JsonLines
from monitoring.logs.requests import HEADER, find_request_id
from tests.pneumonia_api.conftest import app, client, headers, redis_url

__all__ = ["app", "client", "headers", "redis_url"]


class Lines:
    """What was logged, as the API would write it."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.handler.setFormatter(JsonLines("api", find_request_id))
        caplog.set_level(logging.INFO)

    def read(self) -> list[Any]:
        """All lines."""
        return [json.loads(text) for text in self._caplog.text.splitlines()]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """Of this test."""
    return Lines(caplog)


WEB = {"X-Web-Key": "key-of-the-web"}


def make_upload(reference: str) -> dict[str, Any]:
    """The form of an image that the API accepts."""
    file = io.BytesIO()
    Image.radial_gradient("L").save(file, "PNG")
    return {"xray": (io.BytesIO(file.getvalue()), "DOE.png"), "reference": reference}


def test_id_is_taken_answered_and_handed_on(
    app: APIFlask, client: redis.Redis, headers: dict[str, str], lines: Lines
) -> None:
    """The id that nginx made is in the answer, in the line and in the queued message."""
    known = "0123456789abcdef" * 2
    answer = app.test_client().post(
        "/v1/xrays", data=make_upload("DOE"), headers={**headers, **WEB, HEADER: known}
    )
    assert answer.status_code == 202
    assert answer.headers[HEADER] == known
    [line] = lines.read()
    assert line.pop("seconds") >= 0
    del line["time"]
    assert line == {
        "level": "info",
        "service": "api",
        "message": "POST /v1/xrays",
        "request": known,
        "status": 202,
        "user": "machine",
        "xray": answer.json["id"],
    }
    message = json.loads(client.lrange("predict", 0, 0)[0])
    assert message["headers"]["request_id"] == known


@pytest.mark.parametrize("sent", [None, "DOE", "0" * 31, "0" * 32 + "1", "A" * 32])
def test_other_callers_get_an_id_of_ours(app: APIFlask, sent: str | None) -> None:
    """Anything but an id may be free text, and is not logged."""
    answer = app.test_client().get("/livez", headers={HEADER: sent} if sent else {})
    assert answer.headers[HEADER] != sent
    assert len(answer.headers[HEADER]) == 32


def test_neither_reads_nor_unknown_routes_are_logged(
    app: APIFlask, headers: dict[str, str], lines: Lines
) -> None:
    """nginx logs those; and a probe that is not ready is repeated every few seconds."""
    browser = app.test_client()
    assert browser.get("/v1/xrays?q=DOE", headers=headers).status_code == 200
    assert browser.post("/DOE").status_code == 404
    assert browser.get("/readyz").status_code == 503
    assert lines.read() == []


def test_refusal_has_its_code_and_nothing_that_was_typed(
    app: APIFlask, headers: dict[str, str], lines: Lines
) -> None:
    """A wrong name may be a password in the wrong field; a wrong id may be anything."""
    browser = app.test_client()
    browser.post("/v1/sessions", json={"user": "DOE", "password": "DOE-password"})
    browser.delete("/v1/xrays/DOE", headers=headers)
    logged = [(line["message"], line["status"], line["code"]) for line in lines.read()]
    assert logged == [
        ("POST /v1/sessions", 401, "wrong_password"),
        ("DELETE /v1/xrays/<xray_id>", 404, "no_such_xray"),
    ]
    assert "DOE" not in json.dumps(lines.read())


def test_fault_of_redis_has_its_cause_without_the_command(
    app: APIFlask, client: redis.Redis, headers: dict[str, str], lines: Lines
) -> None:
    """redis-py quotes the command in its error, and with it what was to be stored."""
    client.config_set("maxmemory", "1")
    try:
        answer = app.test_client().post("/v1/xrays", data=make_upload("DOE" * 9), headers=headers)
    finally:
        client.config_set("maxmemory", "0")
    assert answer.status_code == 503
    missing, line = lines.read()
    assert (missing["level"], missing["cause"]) == ("error", "OutOfMemoryError")  # no audit, either
    assert (line["level"], line["code"]) == ("warning", "store_unavailable")
    assert "used memory > 'maxmemory'" in line["cause"]
    assert "HSET" not in line["cause"]


def test_bug_is_logged_with_its_traceback_and_without_what_was_typed(
    app: APIFlask, headers: dict[str, str], lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says where, with the id of the response; Flask's own would quote the path."""

    def fail(queue: Celery, xray_id: str, request_id: str) -> str:
        raise ArithmeticError(f"DOE {queue} {xray_id} {request_id}")

    monkeypatch.setattr("pneumonia_api.accepting.compose", fail)
    answer = app.test_client().post("/v1/xrays", data=make_upload("DOE"), headers=headers)
    assert answer.status_code == 500
    bug, line = lines.read()
    assert bug["level"] == "error"
    assert bug["traceback"].endswith("ArithmeticError")
    assert line["status"] == 500
    assert bug["request"] == line["request"] == answer.headers[HEADER]
    assert "DOE " not in bug["message"]
