"""Whose word is taken on where a request came from: the proxy's, known by its address."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from pneumonia_web.config import Network

# What a proxy says of a request; from anybody else it would be the sender's own invention.
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


class ProxyOnly:
    """WSGI middleware that drops those headers unless the request comes from the proxy."""

    def __init__(self, app: Any, proxies: Sequence[Network]) -> None:
        self._app = app
        self._proxies = proxies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request."""
        sender = ipaddress.ip_address(environ["REMOTE_ADDR"])
        if not any(sender in network for network in self._proxies):
            for name in SAID_BY_PROXIES:
                environ.pop(name, None)
        return self._app(environ, start_response)
