"""The request id that all services share, and the line that each of them logs for a request.

nginx generates the id, and its access log has a line for every request. API and web log a line only
for a request that changes something or that fails on the server side, with what nginx cannot know.
"""

import logging
import re
import time
from types import TracebackType
from uuid import uuid4

from flask import Flask, Response, g, has_request_context, request

HEADER = "X-Request-ID"

log = logging.getLogger(__name__)

# The form of nginx and of `uuid4().hex`. Anything else may be free text, and is replaced.
_ID = re.compile(r"[0-9a-f]{32}")
_READING = ("GET", "HEAD", "OPTIONS")


def find_request_id() -> str | None:
    """The id of the request that this thread handles, or None outside a request."""
    return g.get("request_id") if has_request_context() else None


def note(**fields: object) -> None:
    """Add `fields` to the log line of the current request; never a text that a person typed."""
    g.setdefault("noted", {}).update(fields)


def follow_requests(app: Flask) -> None:
    """Give every request of `app` an id, return it in a header, and log the request.

    Call this before registering any other `before_request` that may answer.
    """

    def begin() -> None:
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if _ID.fullmatch(sent) else uuid4().hex
        g.begun = time.perf_counter()

    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        noted, status = g.get("noted", {}), response.status_code
        # A failing probe has no code; it would log a line every few seconds.
        failed = status >= 500 and "code" in noted
        if failed or (request.url_rule and request.method not in _READING):
            xray = (request.view_args or {}).get("xray_id", "")
            fields = {
                "status": status,
                "seconds": round(time.perf_counter() - g.begun, 3),
                **({"xray": xray} if _ID.fullmatch(xray) else {}),
                **noted,
            }
            level = logging.WARNING if failed else logging.INFO
            route = request.url_rule or "unknown"
            log.log(level, "%s %s", request.method, route, extra={"fields": fields})
        return response

    def log_bug(
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        # Flask's own message contains the path, which may have been typed.
        log.error("unhandled error in a request", exc_info=exc_info)

    app.before_request(begin)
    app.after_request(end)
    app.log_exception = log_bug  # type: ignore[method-assign]
