"""Uploads from the page: each is stored once, and each on its own."""

import io
import re
from pathlib import Path

import pytest
import requests

from pneumonia_web.app import create_app
from tests.pneumonia_web.visitor import Visitor

FILE = re.compile(r'name="idempotency_key" value="([0-9a-f]{32})"')


def xray(samples: list[Path], mark: bytes) -> tuple[str, bytes, str]:
    """A file of a form."""
    return ("a.jpg", samples[6].read_bytes() + mark, "image/jpeg")


@pytest.mark.parametrize("fields", [("xray", "xray", "xray"), ("xray", "other"), ("other", "xray")])
def test_form_with_several_files_is_refused(
    doctor: Visitor, samples: list[Path], fields: tuple[str, ...]
) -> None:
    """Without the script a browser sends one; of three none is stored, and the page says so."""
    files = [(name, xray(samples, b"several%d" % number)) for number, name in enumerate(fields)]
    page = doctor.post("/xrays", "/xrays", files=files, data={"reference": "Several"})
    assert page.status_code == 422
    assert "Send one X-ray at a time; none of these was stored." in page.text
    assert "No X-rays match." in doctor.get("/xrays?q=Several").text


def test_form_offers_one_file_without_script(doctor: Visitor) -> None:
    """The script allows several."""
    [field] = re.findall(r'<input id="xray"[^>]+>', doctor.get("/xrays").text)
    assert "multiple" not in field


@pytest.mark.parametrize("query", ["q=a&q=b", "decision=normal&decision=pneumonia"])
def test_repeated_filters_are_refused(doctor: Visitor, query: str) -> None:
    """The page would show another worklist than was asked for."""
    assert doctor.get(f"/xrays?{query}").status_code == 400


def test_repeated_fields_are_refused(doctor: Visitor, samples: list[Path]) -> None:
    """Two references, two readings: neither is dropped silently."""
    page = doctor.post(
        "/xrays",
        "/xrays",
        files={"xray": xray(samples, b"twice")},
        data=[("reference", "a"), ("reference", "b")],
    )
    assert page.status_code == 400
    labels = [("label", "normal"), ("label", "pneumonia")]
    assert doctor.post(f"/xrays/{'0' * 32}/review", "/xrays", data=labels).status_code == 400


def test_form_sent_twice_is_one_upload(doctor: Visitor, samples: list[Path]) -> None:
    """The page carries a key, which a second click sends again."""
    key = FILE.search(doctor.get("/xrays").text)
    assert key
    data = {"idempotency_key": key[1]}
    pages = [
        doctor.post("/xrays", "/xrays", files={"xray": xray(samples, b"form-twice")}, data=data)
        for _ in range(2)
    ]
    assert [page.status_code for page in pages] == [200, 200]
    assert pages[0].url == pages[1].url
    other = FILE.search(doctor.get("/xrays").text)
    assert other
    assert other[1] != key[1]


def test_scripts_key_is_passed_on(doctor: Visitor, samples: list[Path]) -> None:
    """The same address for the same file; other bytes under the key are refused."""
    headers = {"Idempotency-Key": "page-1", "Accept": "application/json"}

    def send(mark: bytes) -> requests.Response:
        return doctor.post("/xrays", "/xrays", headers, files={"xray": xray(samples, mark)})

    first, again, other = send(b"key-a"), send(b"key-a"), send(b"key-b")
    assert first.json() == again.json()
    assert other.status_code == 422
    assert "another file" in other.json()["error"]


def test_stranger_is_asked_to_log_in_before_the_file_is_read() -> None:
    """Without a session not one byte of a large body is read."""

    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("the body was read")

    app = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "0"})
    for path, status in (("/xrays", 302), ("/login", 415)):
        answer = app.test_client().post(
            path,
            input_stream=Unread(),
            environ_overrides={"CONTENT_LENGTH": "20000000"},
            content_type="multipart/form-data; boundary=b",
        )
        assert answer.status_code == status
