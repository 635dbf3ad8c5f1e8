"""Slow, silent and endless clients before the real gunicorn of the API and of the web."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.pneumonia_api.redis_server import running_redis
from tests.service import connect, read_all, running_service
from tests.stack import free_ports

CROWD = 70
"""More than the threads of either service."""

HEAD = "POST {path} HTTP/1.1\nHost: x\nContent-Type: {kind}\n"
FORM = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The API's port."""
    ports, folder = free_ports(), tmp_path_factory.mktemp("api")
    with running_redis(ports["REDIS_PORT"], folder) as url:
        settings = {"REDIS_URL": url, "API_KEY": "key-of-the-test"}
        with running_service("pneumonia_api", ports["API_PORT"], folder, settings):
            yield ports["API_PORT"]


@pytest.fixture(scope="module")
def web(api: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The web's port."""
    port, folder = free_ports()["WEB_PORT"], tmp_path_factory.mktemp("web")
    settings = {"API_URL": f"http://127.0.0.1:{api}", "SECRET_KEY": "s", "COOKIE_SECURE": "0"}
    with running_service("pneumonia_web", port, folder, settings):
        yield port


SLOW = {
    "nothing": "",
    "half a request line": "POST /",
    "half a head": "GET /livez HTTP/1.1\nHost: x\n",
    "an empty line and no more": "\n\n",
    "an upload without a token": HEAD.format(path="{upload}", kind=FORM)
    + "Content-Length: 9000000\n\n--b\n",
    "an upload in chunks without a token": HEAD.format(path="{upload}", kind=FORM)
    + "Transfer-Encoding: chunked\n\n5\n--b",
    "a small form with a file": HEAD.format(path="{upload}", kind=FORM)
    + "Content-Length: 99\n\n--b\n",
    "a log-in with a file": HEAD.format(path="{log_in}", kind=FORM) + "Content-Length: 99\n\n--b\n",
    "half a log-in": HEAD.format(path="{log_in}", kind="{kind}") + 'Content-Length: 99\n\n{"user',
    "a log-in in chunks": HEAD.format(path="{log_in}", kind="{kind}")
    + 'Transfer-Encoding: chunked\n\n9\n{"user',
    "a log-in that waits for the word": HEAD.format(path="{log_in}", kind="{kind}")
    + "Content-Length: 99\nExpect: 100-continue\n\n",
    "a large log-in": HEAD.format(path="{log_in}", kind="{kind}") + "Content-Length: 9000000\n\n{",
}


@pytest.mark.parametrize("service", ["api", "web"])
@pytest.mark.parametrize("what", SLOW)
def test_slow_strangers_leave_the_threads_to_others(
    what: str, service: str, request: pytest.FixtureRequest
) -> None:
    """More clients than threads: another caller still gets an answer."""
    port: int = request.getfixturevalue(service)
    paths = {
        "api": {"upload": "/v1/xrays", "log_in": "/v1/sessions", "kind": "application/json"},
        "web": {"upload": "/xrays", "log_in": "/login", "kind": URLENCODED},
    }[service]
    text = SLOW[what]
    for name, value in paths.items():
        text = text.replace(f"{{{name}}}", value)
    with ExitStack() as crowd:
        for _ in range(CROWD):
            crowd.enter_context(connect(port, text))
        time.sleep(0.3)  # until all of them have been accepted
        page = "/livez" if service == "api" else "/login"
        assert requests.get(f"http://127.0.0.1:{port}{page}", timeout=4).status_code == 200


def test_refusal_of_an_unread_body_is_heard(api: int) -> None:
    """401 before the first byte of the body; a sender that keeps sending still receives it."""
    head = HEAD.format(path="/v1/xrays", kind=FORM) + "Content-Length: 30000000\n\n"
    with connect(api, head, bytes(30_000_000)) as sender:
        answer = read_all(sender)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close" in answer


def test_sender_without_end_is_refused_and_cut_off(api: int) -> None:
    """The client receives 413 at once; the server does not read for ever."""
    head = HEAD.format(path="/v1/xrays", kind=FORM) + "Authorization: Bearer key-of-the-test\n"
    with connect(api, f"{head}Content-Length: 90000000000\n\n") as sender:
        answer = sender.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413 ")
        end = time.monotonic() + 60
        with pytest.raises(OSError):
            while time.monotonic() < end:
                sender.sendall(bytes(1000))
                time.sleep(0.2)


def test_answers_that_nobody_reads_leave_the_threads_to_others(api: int) -> None:
    """A client sends a hundred requests and reads no response."""
    text = "GET /openapi.json HTTP/1.1\nHost: x\n\n" * 100
    with ExitStack() as crowd:
        for _ in range(CROWD):
            deaf = crowd.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", api))
            deaf.settimeout(1)
            deaf.sendall(text.replace("\n", "\r\n").encode())
        end = time.monotonic() + 40
        while True:
            try:
                answer = requests.get(f"http://127.0.0.1:{api}/livez", timeout=4)
                break
            except requests.Timeout:
                assert time.monotonic() < end, "nobody is answered any more"
        assert answer.status_code == 200


def test_trickling_upload_is_cut_off_with_a_sentence(api: int, tmp_path: Path) -> None:
    """With the key, a byte now and then: 408, and the thread is free again."""
    head = HEAD.format(path="/v1/xrays", kind=FORM) + "Authorization: Bearer key-of-the-test\n"
    part = b'--b\r\nContent-Disposition: form-data; name="xray"; filename="a"\r\n\r\n'
    with connect(api, f"{head}Content-Length: 9000000\n\n", part) as sender:
        sender.settimeout(0.5)
        answer, end = b"", time.monotonic() + 60
        while not answer and time.monotonic() < end:
            sender.sendall(b"x")
            try:
                answer = sender.recv(65536)
            except TimeoutError:
                continue
        answer += read_all(sender)
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert b'"code":"too_slow"' in answer
