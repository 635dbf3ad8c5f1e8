"""The one place where the API records what its callers do: after each request, by its answer.

An answer that cannot be recorded is withheld: see `docs/decisions/audit.md`.
"""

import logging
import re
import threading
import time
from dataclasses import replace
from typing import Any

import redis
from apiflask import APIFlask
from flask import Response, current_app, g, make_response, request

from monitoring.logs.requests import find_request_id, note
from pneumonia_api.audit.events import Action, Event, Outcome, record, write_roles
from pneumonia_api.audit.routes import Audited, Unaudited, find_audit
from pneumonia_api.metrics import AUDIT_FAILURES
from pneumonia_api.roles import Caller

log = logging.getLogger(__name__)

REPEAT_SECONDS = 300
"""The same viewing by the same caller from the same address within this time is one line."""

MAX_REMEMBERED = 20_000
"""Viewings that a process remembers; beyond it they are recorded more often."""

REFUSED = frozenset(
    {
        *("wrong_password", "wrong_code", "log_in_expired", "too_many_failures", "too_many_codes"),
        *("link_invalid", "log_in_stale"),
    }
)
"""Codes of answers that count as a refusal, besides every 403."""

FAULTS = frozenset({"internal_error", "store_unavailable", "images_unavailable"})
"""Codes of answers after which a change may have been made."""

WITHHELD = (
    "audit_unavailable",
    "The audit cannot be written, so the answer is withheld, although a change may have been made; "
    "try again in half a minute.",
)

_XRAY = re.compile(r"[0-9a-f]{32}")


class Viewings:
    """Which viewings were recorded a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[Event, float] = {}

    def is_repeated(self, event: Event) -> bool:
        """Whether the same was recorded within REPEAT_SECONDS."""
        with self._lock:
            return self._until.get(event, 0) > time.monotonic()

    def remember(self, event: Event) -> None:
        """It has been recorded."""
        now = time.monotonic()
        with self._lock:
            if len(self._until) >= MAX_REMEMBERED:
                self._until = {each: end for each, end in self._until.items() if end > now}
            if len(self._until) < MAX_REMEMBERED:
                self._until[event] = now + REPEAT_SECONDS


def name_caller(user: str) -> None:
    """Say who the caller of a route without log-in is, or has tried to be; only a known name: an
    unknown one may be a password in the wrong field."""
    g.audited_name = user


def count_as(action: Action) -> None:
    """Say that this call was something else than its row says."""
    g.audited_action = action


def leave_out() -> None:
    """Say that this call has shown nothing that is worth a line."""
    g.unaudited = True


def register_audit(app: APIFlask) -> None:
    """Have `app` record every call by the table; call it after all other `after_request`."""
    app.extensions["viewings"] = Viewings()
    app.after_request(audit_answer)


def audit_answer(response: Response) -> Response:
    """Record the call of this answer; one that cannot be recorded is answered with 503 instead."""
    found = describe_call(response)
    if found is None:
        return response
    row, event = found
    viewings: Viewings = current_app.extensions["viewings"]
    may_repeat = event.outcome is not Outcome.DONE or (isinstance(row, Audited) and row.repeats)
    may_repeat = may_repeat and request.method in ("GET", "HEAD")
    if may_repeat and viewings.is_repeated(event):
        return response
    try:
        record(current_app.extensions["redis"], replace(event, request=find_request_id() or ""))
    except redis.RedisError as error:
        _report_missing(event, error)
        if isinstance(row, Audited) and row.known_otherwise:
            return response
        return _withhold(response, error)
    if may_repeat:
        viewings.remember(event)
    return response


def describe_call(response: Response) -> tuple[Audited | Unaudited, Event] | None:
    """The row and the event of this call, without the request's id; None if it is not recorded."""
    if request.url_rule is None or request.method == "OPTIONS" or "unaudited" in g:
        return None
    row = find_audit(request.method, request.url_rule.rule)
    outcome = _find_outcome(response.status_code)
    if outcome is None or (isinstance(row, Unaudited) and outcome is not Outcome.REFUSED):
        return None
    caller: Caller | None = g.get("caller")
    event = Event(
        action=row.action if isinstance(row, Audited) else Action.CALL,
        who=caller.name if caller else g.get("audited_name", ""),
        roles=write_roles(caller) if caller else "",
        address=request.remote_addr or "",
        xray=_find_xray(),
        outcome=outcome,
    )
    if outcome is Outcome.DONE and isinstance(row, Audited):
        values = _read_values()
        event = _describe_change(event, row, values)
    if event.action is Action.CALL:
        event = replace(event, about=f"{request.method} {request.url_rule.rule}")
    if "audited_action" in g:
        event = replace(event, action=g.audited_action)
    return row, event


def _describe_change(event: Event, row: Audited, values: dict[str, Any]) -> Event:
    detail = [f"{name}={_write(values[name])}" for name in row.detail if name in values]
    about = values.get(row.about) if row.about else ""
    return replace(event, about=str(about or ""), detail=" ".join(detail))


def _find_outcome(status: int) -> Outcome | None:
    """How the call ended; None if nothing was shown, changed or refused to somebody."""
    if status < 400:
        return Outcome.DONE
    code = g.get("noted", {}).get("code")
    if status == 403 or code in REFUSED:
        return Outcome.REFUSED
    if code in FAULTS and request.method not in ("GET", "HEAD"):
        return Outcome.FAILED
    return None


def _find_xray() -> str:
    """The id of the X-ray that the call is about; nothing that only looks like a part of a path."""
    found = (request.view_args or {}).get("xray_id") or g.get("noted", {}).get("xray", "")
    return found if _XRAY.fullmatch(found) else ""


def _read_values() -> dict[str, Any]:
    """The checked query and body, and the parts of the address."""
    body = request.get_json(silent=True) if request.is_json else None
    fields = body if isinstance(body, dict) else {}
    return {**request.args, **fields, **(request.view_args or {})}


def _write(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _report_missing(event: Event, error: redis.RedisError) -> None:
    """Leave what could not be recorded in the log."""
    AUDIT_FAILURES.inc()
    log.error(
        "not in the audit: %s",
        event.action,
        extra={"fields": {"xray": event.xray, "cause": type(error).__name__}},
    )


def _withhold(response: Response, error: redis.RedisError) -> Response:
    """Answer 503 in place of what could not be recorded.

    What shows nothing, such as a refusal, stays as it is.
    """
    if response.status_code >= 400:
        return response
    response.close()
    code, message = WITHHELD
    note(code=code, cause=type(error).__name__)
    body = {"error": {"code": code, "message": message}}
    return make_response(body, 503, {"Retry-After": "30"})
