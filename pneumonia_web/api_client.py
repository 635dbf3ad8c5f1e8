"""The API as the web sees it: HTTP and nothing else."""

from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import quote

import requests
from requests_toolbelt import MultipartEncoder

from monitoring.logs.requests import HEADER, find_request_id

CONNECT_SECONDS = 3
READ_SECONDS = 10
UPLOAD_WAIT_SECONDS = 10
UNREACHED_SECONDS = 30
"""When to come back after no answer at all: the API starts again in less."""


NO_SENSE = "The service gave an answer that makes no sense."


class ApiError(RuntimeError):
    """The API said no, or nothing at all; `str()` is one sentence for a person.

    With `retry_after`, in seconds, the sentence says when to try again.
    """

    def __init__(
        self, status: int, code: str, message: str, retry_after: int | None = None
    ) -> None:
        if retry_after:
            # Sentences read "what happened; what to do": only the second half changes.
            happened = message.partition(";")[0].rstrip(".")
            message = f"{happened}; try again in {say_seconds(retry_after)}."
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


def say_seconds(seconds: int) -> str:
    """A time to wait as a person reads it: rounded up to minutes from two minutes on."""
    if seconds >= 120:
        return f"{-(-seconds // 60)} minutes"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


class ApiClient:
    """One method for each call; `token` is the person's session token.

    Every method raises ApiError. Connections are kept and shared by all threads.
    """

    def __init__(self, url: str, key: str) -> None:
        """`key` lets the API take the web's word on the browser's address."""
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands between the web and its API
        if key:
            self._session.headers["X-Web-Key"] = key
        self._session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))

    def log_in(self, user: str, password: str, address: str) -> str:
        """A session token; failures count by name and `address`, the browser's."""
        answer = self._call(
            "POST",
            "/v1/sessions",
            json={"user": user, "password": password},
            headers={"X-Forwarded-For": address},
        )
        return str(self._record(answer, "token")["token"])

    def log_out(self, token: str) -> None:
        """End the session."""
        self._call("DELETE", "/v1/sessions/current", token)

    def upload(
        self, token: str, file: IO[bytes], media_type: str, reference: str, key: str | None
    ) -> dict[str, Any]:
        """Stream one X-ray to the API and wait for its record, finished or still queued.

        Sent again under the same `key`, it is the same upload. The file's own name stays behind: it
        may be a patient's.
        """
        form = MultipartEncoder({"reference": reference, "xray": ("xray", file, media_type)})
        answer = self._call(
            "POST",
            "/v1/xrays",
            token,
            params={"wait": UPLOAD_WAIT_SECONDS},
            data=form,
            headers={"Content-Type": form.content_type, "Idempotency-Key": key},
            timeout=(CONNECT_SECONDS, UPLOAD_WAIT_SECONDS + READ_SECONDS),
        )
        return self._record(answer, "id", "status", "reason")

    def read(self, token: str, xray_id: str) -> dict[str, Any]:
        """One record."""
        path = f"/v1/xrays/{quote(xray_id, safe='')}"
        return self._record(self._call("GET", path, token), "id")

    def list(self, token: str, query: Mapping[str, str]) -> dict[str, Any]:
        """One page of the worklist."""
        answer = self._call("GET", "/v1/xrays", token, params=query)
        return self._record(answer, "xrays", "cursor")

    def read_preview(self, token: str, xray_id: str) -> bytes:
        """The preview, a JPEG."""
        return self._call("GET", f"/v1/xrays/{quote(xray_id, safe='')}/preview", token).content

    def review(self, token: str, xray_id: str, label: str, note: str) -> dict[str, Any]:
        """Record the person's own reading; the record with it."""
        path = f"/v1/xrays/{quote(xray_id, safe='')}/review"
        return self._record(self._call("PUT", path, token, json={"label": label, "note": note}))

    def delete(self, token: str, xray_id: str) -> None:
        """Forget an X-ray."""
        self._call("DELETE", f"/v1/xrays/{quote(xray_id, safe='')}", token)

    def close(self) -> None:
        """End the kept connections."""
        self._session.close()

    @staticmethod
    def _record(answer: requests.Response, *names: str) -> dict[str, Any]:
        """The answer's JSON object, which has at least these names."""
        try:
            record = answer.json()
        except requests.JSONDecodeError as error:
            raise ApiError(502, "unknown", NO_SENSE, UNREACHED_SECONDS) from error
        if not isinstance(record, dict) or not record.keys() >= set(names):
            raise ApiError(502, "unknown", NO_SENSE, UNREACHED_SECONDS)
        return record

    def _call(
        self, method: str, path: str, token: str | None = None, **options: Any
    ) -> requests.Response:
        headers = options.pop("headers", {})
        headers[HEADER] = find_request_id()  # None is not sent
        if token:
            headers["Authorization"] = f"Bearer {token}"
        options.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        try:
            answer = self._session.request(
                method, self._url + path, headers=headers, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise ApiError(
                503, "api_unavailable", "The service does not answer.", UNREACHED_SECONDS
            ) from error
        if answer.ok:
            return answer
        wait = answer.headers.get("Retry-After", "")
        retry_after = int(wait) if wait.isdecimal() else None
        try:
            problem = answer.json()["error"]
            code, message = problem["code"], problem["message"]
        except (requests.JSONDecodeError, KeyError, TypeError) as error:
            raise ApiError(
                answer.status_code,
                "unknown",
                NO_SENSE,
                retry_after,
            ) from error
        raise ApiError(answer.status_code, code, message, retry_after)
