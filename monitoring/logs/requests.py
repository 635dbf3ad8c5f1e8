"""The id that follows a request through all services, and the one line that each writes of it.

nginx makes the id and its access log has a line for every request. Here one is written for those
that change something or fail on our side, with what nginx cannot know.
"""

import logging
import re
import time
from types import TracebackType
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, has_request_context, request

HEADER = "X-Request-ID"

log = logging.getLogger(__name__)

# As nginx and `uuid4().hex` make it. Anything else may be a text, and is replaced.
_ID = re.compile(r"[0-9a-f]{32}")
_READING = ("GET", "HEAD", "OPTIONS")


def find_request_id() -> str | None:
    """The id of the request that this thread answers, or None."""
    return g.get("request_id") if has_request_context() else None


def note(**fields: Any) -> None:
    """Add `fields` to the line of the present request: names and values of ours, nothing typed."""
    g.setdefault("noted", {}).update(fields)


def follow_requests(app: Flask) -> None:
    """Give every request of `app` its id, tell it in the answer, and write the line.

    Call it before anything else that may answer in the place of a view.
    """

    def begin() -> None:
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if _ID.fullmatch(sent) else uuid4().hex
        g.begun = time.perf_counter()

    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        noted, status = g.get("noted", {}), response.status_code
        # A probe that says no has no code, and is asked again every few seconds.
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

    def tell_bug(
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        # Flask's own message has the path as it was typed.
        log.error("a request ended by an error of ours", exc_info=exc_info)

    app.before_request(begin)
    app.after_request(end)
    app.log_exception = tell_bug  # type: ignore[method-assign]
