"""A service under its real gunicorn, without the rest of the system."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.stack import ROOT


@contextmanager
def running_service(
    name: str, port: int, folder: Path, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """`pneumonia_api` or `pneumonia_web` on `port`, its log in `folder`; ended with the block."""
    config = folder / "gunicorn.py"
    config.write_text(
        f"import webserver.body\nimport webserver.worker\nfrom {name}.gunicorn_config import *\n"
        "graceful_timeout = 1\n"
        # What takes a quarter of a minute in service would only make the tests long.
        "webserver.body.GRACE_SECONDS = webserver.worker.LINGER_SECONDS = 3\n"
    )
    environment = {
        **os.environ,
        "VAR_DIR": str(folder),
        {"pneumonia_api": "API_PORT", "pneumonia_web": "WEB_PORT"}[name]: str(port),
        **settings,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", str(config), f"{name}.app:app"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        with requests.Session() as session:
            session.mount(url, HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.05)))
            session.get(f"{url}/livez", timeout=5)
        yield process
    finally:
        process.terminate()
        process.wait(15)


def connect(port: int, text: str, body: bytes = b"") -> socket.socket:
    """A connection that has sent the lines of `text`, and `body`."""
    with ExitStack() as held:
        connection = held.enter_context(socket.create_connection(("127.0.0.1", port), 20))
        connection.sendall(text.replace("\n", "\r\n").encode() + body)
        held.pop_all()
        return connection


def read_all(connection: socket.socket) -> bytes:
    """The bytes received until the other side closes."""
    answer = b""
    while received := connection.recv(65536):
        answer += received
    return answer
