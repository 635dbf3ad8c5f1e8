"""Whose word is taken on where a request came from: the web's alone, which has a key for it."""

import hmac
from typing import Any

KEY = "HTTP_X_WEB_KEY"

# What a proxy says of a request; from anybody else it would be the sender's own invention, under
# which failed log-ins are counted and lines are logged.
SAID_BY_PROXIES = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "HTTP_X_REQUEST_ID",
)


class WebOnly:
    """WSGI middleware that drops those headers unless the request has the web's key."""

    def __init__(self, app: Any, key: str) -> None:
        """Without a `key` nobody is believed."""
        self._app = app
        self._key = key.encode()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request."""
        sent = environ.pop(KEY, "").encode("latin-1")
        if not (self._key and hmac.compare_digest(sent, self._key)):
            for name in SAID_BY_PROXIES:
                environ.pop(name, None)
        return self._app(environ, start_response)
