"""Refuses requests whose Host header is malformed, which routing and links cannot handle."""

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# A name, IPv4 or IPv6 in brackets, and a port. A label has at most 63 characters (RFC 1035).
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9_-]{1,63}\.){0,126}[A-Za-z0-9_-]{1,63}\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
)


class KnownHost:
    """WSGI middleware that answers such a request with 400."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        host = environ.get("HTTP_HOST")
        if host is None or _HOST.fullmatch(host):
            return self._app(environ, start_response)
        text = b"The Host header of the request is not valid."
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
        start_response("400 Bad Request", headers)
        return [text]
