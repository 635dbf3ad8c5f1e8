"""A client of the HTTP API."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast
from urllib.parse import quote

import requests
from flask import has_request_context, request
from requests_toolbelt import MultipartEncoder

from monitoring.logs.requests import HEADER, find_request_id
from pneumonia_web.language import N_, gettext, ngettext
from pneumonia_web.records import Page, Xray
from pneumonia_web.sentences import translate_answer

CONNECT_SECONDS = 3
READ_SECONDS = 10
UPLOAD_WAIT_SECONDS = 10
UNREACHED_SECONDS = 30
"""When to retry if there was no response at all: the API restarts faster."""

UNEXPECTED = N_("The service returned an unexpected answer.")


class ApiError(RuntimeError):
    """The API refused the request or did not respond; `str()` is one sentence for a person,
    in their language.

    With `retry_after`, in seconds, the sentence says when to try again.
    """

    def __init__(
        self, status: int, code: str, message: str, retry_after: int | None = None
    ) -> None:
        message = translate_answer(code, message)
        if retry_after:
            # Sentences have the form "what happened; what to do": only the second half is replaced.
            happened, wait = message.partition(";")[0].rstrip("."), say_seconds(retry_after)
            message = gettext("%(happened)s; try again in %(wait)s.", happened=happened, wait=wait)
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


def find_browser() -> str | None:
    """The address of the browser that this thread answers, which the API records."""
    return request.remote_addr if has_request_context() else None


def say_seconds(seconds: int) -> str:
    """A time to wait for a person: from two minutes on in minutes, rounded up."""
    if seconds >= 120:
        return gettext("%(number)s minutes", number=-(-seconds // 60))
    return ngettext("%(num)s second", "%(num)s seconds", seconds)


@dataclass(frozen=True)
class LogIn:
    """An open session: its token, the person's preferences and their roles.

    `language` is that of the pages, "" the browser's. An API of the previous release knows no
    roles, but whether they are an `admin`. Where a code of a second factor is needed, there is only
    `pending`, to be sent with it. `by_provider` is whether `user` has no password here.
    """

    token: str
    reads_first: bool
    language: str
    admin: bool
    roles: list[str] | None
    pending: str = ""
    user: str = ""
    by_provider: bool = False


class ApiClient:
    """One method for each API call; `token` is the session token of the logged-in person.

    Every method raises ApiError. All threads share a pool of connections.
    """

    def __init__(self, url: str, key: str) -> None:
        """With the web's `key` the API trusts the browser's address that the web forwards."""
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands between the web and its API
        if key:
            self._session.headers["X-Web-Key"] = key
        self._session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))

    def log_in(self, user: str, password: str, address: str) -> LogIn:
        """Open a session. Failures count by name and the browser's `address`."""
        answer = self._call(
            "POST",
            "/v1/sessions",
            json={"user": user, "password": password},
            headers={"X-Forwarded-For": address},
        )
        return self._read_session(answer)

    def set_preferences(self, token: str, reads_first: bool, language: str | None) -> None:
        """Store the person's preferences; None leaves the language as it is.

        An API of the previous release knows no language.
        """
        chosen = {} if language is None else {"language": language}
        preferences = {"reads_first": reads_first, **chosen}
        self._call("PUT", "/v1/sessions/current/preferences", token, json=preferences)

    def finish_log_in(self, pending: str, code: str) -> LogIn:
        """Open a session with a code of the second factor."""
        body = {"pending": pending, "code": code}
        return self._read_session(self._call("POST", "/v1/sessions/second-factor", json=body))

    def change_password(self, token: str, current: str, new: str, address: str) -> LogIn:
        """Change the person's own password; returns their new session, the only one left."""
        answer = self._call(
            "PUT",
            "/v1/sessions/current/password",
            token,
            json={"current": current, "password": new},
            headers={"X-Forwarded-For": address},
        )
        return self._read_session(answer)

    def redeem_link(self, secret: str, password: str) -> str:
        """Choose a password by a one-time link; returns the name of its person."""
        answer = self._call("POST", "/v1/links", json={"token": secret, "password": password})
        return str(self._parse(answer, "user")["user"])

    def log_out(self, token: str) -> str | None:
        """Revoke the session token; where to log out of the site's OpenID provider, too."""
        answer = self._call("DELETE", "/v1/sessions/current", token)
        return str(self._parse(answer, "url")["url"]) if answer.status_code == 200 else None

    def upload(
        self, token: str, file: IO[bytes], media_type: str, reference: str, key: str | None
    ) -> Xray:
        """Stream one X-ray to the API and wait for its record, finished or still queued.

        `key` is an idempotency key: a retry with it is the same upload. The file's own name, which
        may be a patient's, is not sent.
        """
        boundary = secrets.token_hex(16)

        def make_form() -> MultipartEncoder:
            file.seek(0)
            fields = {"reference": reference, "xray": ("xray", file, media_type)}
            return MultipartEncoder(fields, boundary=boundary)

        answer = self._call(
            "POST",
            "/v1/xrays",
            token,
            params={"wait": UPLOAD_WAIT_SECONDS},
            headers={
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Idempotency-Key": key,
            },
            timeout=(CONNECT_SECONDS, UPLOAD_WAIT_SECONDS + READ_SECONDS),
            make_body=make_form,
            may_repeat=key is not None,
        )
        return cast(Xray, self._parse(answer, "id", "status", "reason"))

    def read(self, token: str, xray_id: str) -> Xray:
        """One record."""
        path = f"/v1/xrays/{quote(xray_id, safe='')}"
        return cast(Xray, self._parse(self._call("GET", path, token), "id"))

    def list(self, token: str, query: Mapping[str, str]) -> Page:
        """One page of the worklist."""
        answer = self._call("GET", "/v1/xrays", token, params=query)
        return cast(Page, self._parse(answer, "xrays", "cursor"))

    def read_preview(self, token: str, xray_id: str) -> bytes:
        """The preview, a JPEG."""
        return self._call("GET", f"/v1/xrays/{quote(xray_id, safe='')}/preview", token).content

    def read_thumbnail(self, token: str, xray_id: str) -> bytes:
        """The preview for a row of a list, a JPEG."""
        return self._call("GET", f"/v1/xrays/{quote(xray_id, safe='')}/thumbnail", token).content

    def open_film(self, token: str, xray_id: str) -> requests.Response:
        """The film at full depth, a PNG, still to be read and to be closed."""
        return self._call("GET", f"/v1/xrays/{quote(xray_id, safe='')}/film", token, stream=True)

    def read_report(
        self, token: str, xray_id: str, form: str, language: str | None = None
    ) -> bytes:
        """The report of a read X-ray, in a form such as `pdf`; only that has a `language`."""
        path = f"/v1/xrays/{quote(xray_id, safe='')}/report.{form}"
        asked = {"language": language} if language else {}
        return self._call("GET", path, token, params=asked).content

    def add_reading(
        self, token: str, xray_id: str, entry: Mapping[str, str | float], key: str
    ) -> Xray:
        """Record the person's own reading, or withdraw it; returns the record with it.

        `key` is an idempotency key: a retry with it is the same entry.
        """
        path = f"/v1/xrays/{quote(xray_id, safe='')}/readings"
        answer = self._call("POST", path, token, json=entry, headers={"Idempotency-Key": key})
        return cast(Xray, self._parse(answer, "id", "readings"))

    def reopen(
        self, token: str, xray_id: str, reopening: Mapping[str, str | int], key: str
    ) -> Xray:
        """Take back another reader's reading; `key` as in `add_reading`."""
        path = f"/v1/xrays/{quote(xray_id, safe='')}/reopenings"
        headers = {"Idempotency-Key": key}
        answer = self._call("POST", path, token, json=reopening, headers=headers)
        return cast(Xray, self._parse(answer, "id", "readings"))

    def add_outcome(self, token: str, xray_id: str, label: str, basis: str) -> None:
        """Record what the patient had."""
        path = f"/v1/xrays/{quote(xray_id, safe='')}/outcomes"
        self._call("POST", path, token, json={"label": label, "basis": basis})

    def read_study(self, token: str) -> Mapping[str, Any]:
        """The reader study: of all together, and the person's own."""
        return self._parse(self._call("GET", "/v1/reader-study", token), "overall", "readers")

    def delete(self, token: str, xray_id: str) -> None:
        """Delete an X-ray."""
        self._call("DELETE", f"/v1/xrays/{quote(xray_id, safe='')}", token)

    def restore(self, token: str, xray_id: str) -> None:
        """Restore an X-ray that was deleted."""
        self._call("POST", f"/v1/xrays/{quote(xray_id, safe='')}/restore", token)

    def list_deletions(self, token: str) -> Sequence[Xray]:
        """The X-rays that the person can restore."""
        answer = self._call("GET", "/v1/deletions", token)
        return cast(Sequence[Xray], self._parse(answer, "xrays")["xrays"])

    def read_model(self, token: str) -> Mapping[str, Any]:
        """The metadata of the model that the workers serve."""
        return self._parse(self._call("GET", "/v1/model", token), "version")

    def read_site(self, token: str) -> Mapping[str, Any]:
        """The site's prevalence, who stated it, and what each finding is worth at it."""
        return self._parse(self._call("GET", "/v1/site", token), "prevalences", "worth")

    def is_ready(self) -> bool:
        """Whether an X-ray sent now would be analysed."""
        try:
            return self._call("GET", "/readyz").ok
        except ApiError as error:
            if error.status != 503:
                raise
            return False

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _read_session(self, answer: requests.Response) -> LogIn:
        if answer.status_code == 202:
            pending = str(self._parse(answer, "pending")["pending"])
            return LogIn("", False, "", False, None, pending)
        opened = self._parse(answer, "token")
        roles = cast("list[str] | None", opened.get("roles"))
        # An API of an earlier release knows no preferences.
        return LogIn(
            str(opened["token"]),
            bool(opened.get("reads_first", False)),
            str(opened.get("language", "")),
            bool(opened.get("admin", False)),
            None if roles is None else [str(role) for role in roles],
            user=str(opened.get("user", "")),
            by_provider=bool(opened.get("by_provider", False)),
        )

    @staticmethod
    def _parse(answer: requests.Response, *names: str) -> dict[str, object]:
        """The JSON object in `answer`, checked to have at least these names."""
        try:
            record = answer.json()
        except requests.JSONDecodeError as error:
            raise ApiError(502, "unknown", UNEXPECTED, UNREACHED_SECONDS) from error
        if not isinstance(record, dict) or not record.keys() >= set(names):
            raise ApiError(502, "unknown", UNEXPECTED, UNREACHED_SECONDS)
        return record

    def _send(
        self,
        method: str,
        path: str,
        *,
        may_repeat: bool,
        make_body: Callable[[], MultipartEncoder] | None = None,
        **options: Any,
    ) -> requests.Response:
        """One request; sent again, if it may be, when the API had closed its pooled connection.

        It does so after a few idle seconds, and a page with many thumbnails meets that moment.
        """
        if make_body:
            options["data"] = make_body()
        try:
            return self._session.request(method, self._url + path, allow_redirects=False, **options)
        except requests.ConnectionError as error:
            if not may_repeat or isinstance(error, requests.ConnectTimeout):
                raise
        return self._send(method, path, may_repeat=False, make_body=make_body, **options)

    def _call(
        self, method: str, path: str, token: str | None = None, **options: Any
    ) -> requests.Response:
        headers = options.pop("headers", {})
        headers[HEADER] = find_request_id()  # requests omits None
        headers.setdefault("X-Forwarded-For", find_browser())
        if token:
            headers["Authorization"] = f"Bearer {token}"
        options.setdefault("may_repeat", method == "GET")
        options.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        try:
            answer = self._send(method, path, headers=headers, **options)
        except requests.RequestException as error:
            raise ApiError(
                503, "api_unavailable", N_("The service is not responding."), UNREACHED_SECONDS
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
                UNEXPECTED,
                retry_after,
            ) from error
        raise ApiError(answer.status_code, code, message, retry_after)
