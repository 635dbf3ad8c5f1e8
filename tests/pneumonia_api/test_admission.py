"""Limits of an upload: one file in a request, each value once, a share of the queue."""

import io
from pathlib import Path

import pytest
from apiflask import APIFlask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from pneumonia_api.app import create_app
from tests.pictures import picture
from tests.pneumonia_api.errors import check_error


def file(name: str = "a.jpg") -> tuple[io.BytesIO, str]:
    """A part of a form."""
    return io.BytesIO(picture()), name


@pytest.mark.parametrize(
    "form",
    [
        [("xray", file()), ("xray", file())],
        [("xray", file()), ("xray", file()), ("xray", file())],
        [("xray", file()), ("other", file())],
        [("other", file()), ("xray", file())],
    ],
    ids=["two", "three", "another field behind", "another field before"],
)
def test_several_files_in_a_request_are_refused(
    app: APIFlask, headers: dict[str, str], tmp_path: Path, form: list[tuple[str, object]]
) -> None:
    """None is accepted, not even the first, and nothing is kept."""
    # A fresh stream for each run.
    parts = MultiDict([(name, file()) for name, _ in form])
    answer = app.test_client().post("/v1/xrays", data=parts, headers=headers)
    check_error(answer, 422, "several_files")
    assert app.test_client().get("/v1/xrays", headers=headers).json["xrays"] == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "form",
    [
        [("xray", file()), ("reference", "a"), ("reference", "b")],
        [("xray", file()), ("xray", "text")],
        [("xray", "text"), ("xray", file())],
        [("xray", "text")],
    ],
    ids=["two references", "a text, too", "a text before", "a text alone"],
)
def test_repeated_fields_are_named(
    app: APIFlask, headers: dict[str, str], form: list[tuple[str, object]]
) -> None:
    """It is unknown which of the two was meant."""
    parts = MultiDict([(name, file() if isinstance(v, tuple) else v) for name, v in form])
    answer = app.test_client().post("/v1/xrays", data=parts, headers=headers)
    check_error(answer, 422, "invalid_request")
    assert form[-1][0] in answer.json["error"]["message"]
    assert app.test_client().get("/v1/xrays", headers=headers).json["xrays"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/xrays?status=done&status=queued",
        "/v1/xrays?q=a&q=b",
        "/v1/xrays/none?wait=0&wait=1",
    ],
)
def test_repeated_query_parameters_are_named(
    app: APIFlask, headers: dict[str, str], path: str
) -> None:
    """A filter that was dropped would show another worklist than was asked for."""
    answer = app.test_client().get(path, headers=headers)
    check_error(answer, 422, "invalid_request")
    assert path.partition("?")[2].partition("=")[0] in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        '{"label": "pneumonia", "label": "normal"}',
        '{"label": "normal", "note": "a", "note": "b"}',
    ],
)
def test_repeated_values_in_json_are_refused(
    app: APIFlask, headers: dict[str, str], body: str
) -> None:
    """Otherwise one of two readings would win silently."""
    sent = {**headers, "Content-Type": "application/json"}
    answer = app.test_client().put("/v1/xrays/none/review", data=body, headers=sent)
    check_error(answer, 400, "bad_request")


def send(app: APIFlask, token: str) -> TestResponse:
    """Upload one X-ray."""
    headers = {"Authorization": f"Bearer {token}"}
    return app.test_client().post("/v1/xrays", data={"xray": file()}, headers=headers)


def test_one_person_cannot_fill_the_queue(app: APIFlask, redis_url: str, tmp_path: Path) -> None:
    """A person may fill a quarter of the queue; machines that fill all of it lock no person out."""
    small = create_app(
        {
            "REDIS_URL": redis_url,
            "API_KEY": "key-of-the-test",
            "IMAGE_STORE": tmp_path.as_uri(),
            "MAX_QUEUED": "8",
        }
    )
    accounts = small.extensions["accounts"]
    tokens = {}
    for user in ("ann", "bob"):
        accounts.set_password(user, "correct horse")
        tokens[user] = accounts.log_in(user, "correct horse", "10.0.0.1")
    answers = [send(small, tokens["ann"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    check_error(answers[2], 429, "share_used")
    assert answers[2].headers["Retry-After"] == "30"

    answers = [send(small, "key-of-the-test") for _ in range(7)]
    assert [answer.status_code for answer in answers[:6]] == [202] * 6
    check_error(answers[6], 503, "queue_full")
    assert [send(small, tokens["bob"]).status_code for _ in range(2)] == [202, 202]
    check_error(send(small, tokens["bob"]), 503, "queue_full")
