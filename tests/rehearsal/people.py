"""Who uses the deployment from outside: a doctor in a browser, and machines by the API."""

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
    """Logged in over TLS; the site's certificate is checked."""
    visitor = Visitor(f"https://{address}")
    visitor.session.verify = str(certificate)
    visitor.session.trust_env = False
    with visitor.session, inside("internet"):
        page = visitor.log_in("doctor", password)
        if not page.url.endswith("/xrays"):
            raise RuntimeError(f"no log-in: {page.status_code} at {page.url}")
        yield visitor


def upload(visitor: Visitor, xray: bytes) -> str:
    """The new record's id. Raises RuntimeError with what the page said instead."""
    page = visitor.post("/xrays", "/xrays", files={"xray": ("xray.jpeg", xray, "image/jpeg")})
    found = re.search(r"/xrays/([0-9a-f]{32})$", page.url)
    if not found:
        raise RuntimeError(f"status {page.status_code} at {page.url}")
    return found[1]


class Caller:
    """A machine with the key, which calls an API host from where the web stands."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, address: str, path: str) -> Any:
        """JSON of a route."""
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
        """Every record of the worklist, by id."""
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
    """A doctor who uploads one X-ray after the other: their ids, and what went wrong."""
    stop = Event()
    ids: list[str] = []
    faults: list[str] = []

    def work() -> None:
        number = 0
        with inside("internet"):
            while not stop.wait(0.3):
                number += 1
                # A byte more each time: another file, so that it is judged anew.
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
