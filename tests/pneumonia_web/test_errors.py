"""Whatever is sent, the web answers with a page of its own, and its log has no fault."""

import gc
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from jinja2 import DictLoader

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
    """Hosts that are none, bodies that break off, cookies that cannot be read."""
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
    """503 with a time to come back at, and no page that blames the sender."""
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
    """A sender that leaves in the middle of a refused body raises nothing."""

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
