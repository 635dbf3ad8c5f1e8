"""The web answers any request with a page of its own, and logs no unhandled error."""

import gc
import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from flask import request
from jinja2 import DictLoader

from pneumonia_web.api_client import ApiClient
from pneumonia_web.app import create_app
from tests.service import connect, read_all, running_service
from tests.stack import free_ports

HEAD = "HTTP/1.1\nConnection: close\n"
FORM = "Content-Type: application/x-www-form-urlencoded\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The web's port and log; its API is away."""
    port, folder = free_ports()["WEB_PORT"], tmp_path_factory.mktemp("web")
    settings = {"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "0"}
    with running_service("pneumonia_web", port, folder, settings):
        yield port, folder / "log"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, f"GET /nothing {HEAD}Host: {'a' * 64}\n\n"),
        (400, f"GET /nothing {HEAD}Host: a b\n\n"),
        (404, f"GET /nothing {HEAD}Host: [::1]:80\nAccept: ;q=nan,a/b/c\n\n"),
        (400, f"POST /login {HEAD}Host: x\n{FORM}Transfer-Encoding: chunked\n\nzz\n\n"),
        (400, f"POST /login {HEAD}Host: x\n{FORM}Transfer-Encoding: chunked\n\n5\nab"),
        (400, f"POST /login {HEAD}Host: x\n{FORM}Content-Length: 50\n\nab"),
        (413, f"POST /login {HEAD}Host: x\n{FORM}Content-Length: 99999999999\n\nab"),
        (302, f"GET /xrays {HEAD}Host: x\nCookie: pneumonia_session=.eJx\xff; =;;a\n\n"),
        (400, f"POST /login {HEAD}Host: x\nX-CSRFToken: \xff\nContent-Length: 0\n\n"),
    ],
)
def test_broken_requests_are_answered(web: tuple[int, Path], status: int, text: str) -> None:
    """Invalid hosts, truncated bodies, cookies that cannot be parsed."""
    port, log = web
    before = log.stat().st_size
    with connect(port, text) as sender:
        sender.shutdown(1)
        answer = read_all(sender)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"Traceback" not in answer
    assert "Error" not in log.read_text()[before:]


def test_page_that_cannot_be_drawn_is_a_sentence() -> None:
    """When the page of the error fails, too."""
    app = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s"})
    app.jinja_env.loader = DictLoader({"error.html": "{{ nothing.at.all }}"})
    answer = app.test_client().get("/nothing")
    assert answer.status_code == 404
    assert answer.text == "There is no page at this address."
    assert answer.mimetype == "text/plain"


@pytest.mark.filterwarnings("ignore:Exception ignored in. <function SpooledTemporaryFile")
@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_full_folder_for_files_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After, and no page that blames the sender."""
    app = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "0"})
    app.config["WTF_CSRF_ENABLED"] = False
    with TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", f"{folder}/gone")
        client = app.test_client()
        with client.session_transaction() as session:
            session["token"] = session["user"] = "t"
        body = b'--b\r\nContent-Disposition: form-data; name="xray"; filename="a"\r\n\r\n'
        body += bytes(600_000) + b"\r\n--b--\r\n"
        kind = "multipart/form-data; boundary=b"
        answer = client.post("/xrays", data=body, content_type=kind)
    gc.collect()  # the library leaves the form's first file to it
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "try again in 30 seconds" in answer.text


def test_oversized_form_of_somebody_is_answered_after_it_broke_off() -> None:
    """A sender that disconnects during a refused body raises nothing."""

    class BreaksOff(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "broken off")

    app = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "0"})
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    with client.session_transaction() as session:
        session["token"] = session["user"] = "t"
    answer = client.post(
        "/xrays",
        input_stream=BreaksOff(),
        environ_overrides={"CONTENT_LENGTH": "99000000"},
        content_type="multipart/form-data; boundary=b",
    )
    assert answer.status_code == 413


def test_only_the_proxy_is_believed() -> None:
    """Any other sender could forge the browser's address, HTTPS, and the request id."""
    claimed = {
        "X-Forwarded-For": "10.1.2.3",
        "X-Forwarded-Proto": "https",
        "X-Request-ID": "a" * 32,
    }
    for proxies, is_believed in (("10.0.0.0/8, 127.0.0.1", True), ("10.0.0.0/8", False)):
        app = create_app(
            {"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "PROXY_ADDRESS": proxies}
        )
        seen: list[tuple[str | None, str]] = []
        app.before_request(lambda seen=seen: seen.append((request.remote_addr, request.scheme)))
        answer = app.test_client().get("/login", headers=claimed)
        assert seen == [("10.1.2.3", "https") if is_believed else ("127.0.0.1", "http")]
        assert (answer.headers["X-Request-ID"] == "a" * 32) == is_believed


def test_no_proxy_stands_between_web_and_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the hospital is for the internet only."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"id": "1"}')

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        server.timeout = 20
        thread = Thread(target=server.handle_request)
        thread.start()
        client = ApiClient(f"http://127.0.0.1:{server.server_port}", "")
        assert dict(client.read("token", "1")) == {"id": "1"}
        thread.join()
        client.close()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"{}"])
def test_answer_of_the_api_that_makes_no_sense_is_a_sentence(body: bytes) -> None:
    """502 for any other server at the address of the API, and no traceback."""

    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        server.timeout = 20
        thread = Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        app = create_app({"API_URL": url, "SECRET_KEY": "s", "COOKIE_SECURE": "0"})
        app.config["WTF_CSRF_ENABLED"] = False
        answer = app.test_client().post("/login", data={"user": "a", "password": "b"})
        thread.join()
        app.extensions["api"].close()
    assert answer.status_code == 502
    assert "unexpected answer" in answer.text
