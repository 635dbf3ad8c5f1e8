"""A request whose Host header is no name of a host, which routing and links cannot take."""

import re
from typing import Any

# Names, IPv4, IPv6 in brackets, a port. A label of a name has 63 characters at most (RFC 1035).
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9_-]{1,63}\.){0,126}[A-Za-z0-9_-]{1,63}\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
)


class KnownHost:
    """WSGI middleware that answers such a request with 400, before anything can fail at it."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request."""
        host = environ.get("HTTP_HOST")
        if host is None or _HOST.fullmatch(host):
            return self._app(environ, start_response)
        text = b"The request names no host that there could be."
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
        start_response("400 Bad Request", headers)
        return [text]
