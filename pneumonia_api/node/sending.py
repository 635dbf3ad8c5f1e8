"""Hands objects on to the API, and tells by its answer what the sender is told."""

import hashlib
import logging
import threading
from dataclasses import dataclass

import requests

log = logging.getLogger(__name__)

ANSWER_SECONDS = 20
"""How long the API may take to accept an object; below what senders wait for a C-STORE."""

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
MISMATCH = 0xA900
NOT_UNDERSTOOD = 0xC000
"""Statuses of a C-STORE (PS3.4, B.2.3). Senders try again after OUT_OF_RESOURCES only."""

PASSING = (401, 403, 408, 425, 429)
"""Answers below 500 after which the same object may be accepted later: a fault of ours, such as a
wrong key, or too much at once."""


@dataclass(frozen=True)
class Outcome:
    """What became of an object: a status of C-STORE, and a word for logs and metrics."""

    status: int
    word: str


ACCEPTED = Outcome(SUCCESS, "accepted")
AWAY = Outcome(OUT_OF_RESOURCES, "unavailable")
BUSY = Outcome(OUT_OF_RESOURCES, "busy")
REFUSED = Outcome(NOT_UNDERSTOOD, "refused")
UNLIKE = Outcome(MISMATCH, "mismatch")
OUTCOMES = (ACCEPTED, AWAY, BUSY, REFUSED, UNLIKE)


class Sender:
    """Sends files to `POST /v1/xrays` with the node's key."""

    def __init__(self, api_url: str, key: str) -> None:
        self._url = f"{api_url}/v1/xrays"
        self._key = key
        self._local = threading.local()

    def send(self, file: bytes, title: str) -> Outcome:
        """Send a file that the entity `title` has sent; ACCEPTED once it is stored durably.

        The idempotency key is of the bytes: an object that is sent again, by the same entity or
        another, is the same X-ray.
        """
        digest = hashlib.sha256(file).hexdigest()
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": f"dicom-{digest}",
            "Dicom-Ae-Title": title,
        }
        try:
            answer = self._session().post(
                self._url,
                files={"xray": ("xray.dcm", file)},
                headers=headers,
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            log.error("the API does not answer", extra={"fields": {"cause": type(error).__name__}})
            return AWAY
        return self._judge(answer)

    def _session(self) -> requests.Session:
        """That of this thread: each association has a thread and so a connection of its own."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session

    def _judge(self, answer: requests.Response) -> Outcome:
        if answer.status_code in (200, 202):
            return ACCEPTED
        fields = {"answer": answer.status_code, "code": _read_code(answer)}
        if answer.status_code in PASSING or answer.status_code >= 500:
            log.warning("the API accepts nothing", extra={"fields": fields})
            return BUSY if answer.status_code in (429, 503) else AWAY
        log.warning("the API refused an object", extra={"fields": fields})
        return REFUSED


def _read_code(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return ""
