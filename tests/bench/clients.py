"""Clients that upload: a machine to the API, a clinician's browser through nginx and the web page.

Requests are prepared before the clock starts, so only the service and the network are timed.
"""

import http.client
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import requests

_BOUNDARY = "bench-7f3a9c51"
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Unexpected(RuntimeError):
    """The service's answer was not the record of a judged X-ray."""


def encode_form(data: bytes) -> bytes:
    """One JPEG as the multipart field `xray`, the way a browser writes it."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="xray"; filename="xray"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


def encode_upload(data: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one upload."""
    return encode_form(data), {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


@dataclass
class Machine:
    """One persistent connection to 127.0.0.1:`port`; far cheaper than any client library."""

    port: int
    path: str
    key: str = ""
    encode: Callable[[bytes], tuple[bytes, dict[str, str]]] = encode_upload
    _connection: http.client.HTTPConnection = field(init=False)

    def __enter__(self) -> Self:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        self._connection.connect()
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def reconnect(self) -> None:
        """Give up a connection that failed; the next upload opens another one."""
        self._connection.close()

    def upload(self, data: bytes) -> tuple[float, int, dict[str, Any]]:
        """Seconds, HTTP status and the answer's JSON."""
        body, headers = self.encode(data)
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        started = time.perf_counter()
        self._connection.request("POST", self.path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        seconds = time.perf_counter() - started
        return seconds, answer.status, json.loads(text)

    def judge(self, data: bytes) -> float:
        """Seconds until the X-ray was judged. Raises Unexpected."""
        seconds, status, record = self.upload(data)
        if status != 200 or record.get("status", "done") != "done":
            raise Unexpected(f"{status}: {record}")
        return seconds


class Browser:
    """Logged in, with the upload page open; sends what `upload.js` sends."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # all of it is on this machine
        form = {"user": user, "password": password, "csrf_token": self._read_token("/login")}
        self._session.post(f"{url}/login", form, timeout=30).raise_for_status()
        self._token = self._read_token("/xrays")

    def _read_token(self, path: str) -> str:
        page = self._session.get(self._url + path, timeout=30)
        page.raise_for_status()
        found = _CSRF.search(page.text)
        if not found:
            raise Unexpected(f"{path} has no csrf_token")
        return found[1]

    def judge(self, data: bytes) -> float:
        """Seconds until the page would show the result. Raises Unexpected."""
        request = requests.Request(
            "POST",
            f"{self._url}/xrays",
            data=encode_form(data),
            headers={
                "Accept": "application/json",
                "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
                "X-CSRFToken": self._token,
            },
        )
        prepared = self._session.prepare_request(request)
        started = time.perf_counter()
        answer = self._session.send(prepared, timeout=60)
        seconds = time.perf_counter() - started
        if not answer.ok or answer.json()["status"] != "done":
            raise Unexpected(f"{answer.status_code}: {answer.text[:300]}")
        return seconds
