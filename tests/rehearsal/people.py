"""Clients of the deployment: a doctor in a browser, and machines with the API."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import requests

from tests.pneumonia_web.visitor import Visitor
from tests.rehearsal.network import inside

JUDGED = ("done", "rejected")


@contextmanager
def doctor_on_internet(address: str, certificate: Path, password: str) -> Iterator[Visitor]:
    """A doctor, logged in over TLS with a verified certificate."""
    visitor = Visitor(f"https://{address}")
    visitor.session.verify = str(certificate)
    visitor.session.trust_env = False
    with visitor.session, inside("internet"):
        page = visitor.log_in("doctor", password)
        if not page.url.endswith("/xrays"):
            raise RuntimeError(f"no log-in: {page.status_code} at {page.url}")
        yield visitor


def upload(visitor: Visitor, xray: bytes) -> str:
    """Upload an X-ray and return the record's id. Raises RuntimeError with the page's message."""
    page = visitor.post("/xrays", "/xrays", files={"xray": ("xray.jpeg", xray, "image/jpeg")})
    found = re.search(r"/xrays/([0-9a-f]{32})$", page.url)
    if not found:
        raise RuntimeError(f"status {page.status_code} at {page.url}")
    return found[1]


class Caller:
    """A machine with the API key, which calls an API host from the web host's namespace."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, address: str, path: str) -> Any:
        """The JSON response of a route."""
        with inside("web"), requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"http://{address}:5000{path}", headers=self._headers, timeout=40)
            answer.raise_for_status()
            return answer.json()

    def send(self, address: str, xray: bytes) -> str:
        """Upload without waiting for the prediction; the record's id."""
        with inside("web"), requests.Session() as session:
            session.trust_env = False
            url, file = f"http://{address}:5000/v1/xrays", {"xray": ("xray.jpeg", xray)}
            answer = session.post(url, files=file, headers=self._headers, timeout=40)
            answer.raise_for_status()
            return str(answer.json()["id"])

    def list_xrays(self, address: str) -> dict[str, dict[str, Any]]:
        """All records of the worklist, by id."""
        found: dict[str, dict[str, Any]] = {}
        cursor = ""
        while True:
            page = self.get(address, f"/v1/xrays?limit=100{cursor and f'&cursor={cursor}'}")
            found |= {xray["id"]: xray for xray in page["xrays"]}
            if not page["cursor"]:
                return found
            cursor = page["cursor"]


@contextmanager
def uploading(visitor: Visitor, xrays: list[bytes]) -> Iterator[tuple[list[str], list[str]]]:
    """Upload X-rays one after the other; the ids, and the errors."""
    stop = Event()
    ids: list[str] = []
    faults: list[str] = []

    def work() -> None:
        number = 0
        with inside("internet"):
            while not stop.wait(0.3):
                number += 1
                # One more byte each time makes it a new file, so that it is analysed again.
                xray = xrays[number % len(xrays)] + number.to_bytes(4)
                try:
                    ids.append(upload(visitor, xray))
                except (RuntimeError, requests.RequestException) as error:
                    faults.append(str(error))

    thread = Thread(target=work)
    thread.start()
    try:
        yield ids, faults
    finally:
        stop.set()
        thread.join()
