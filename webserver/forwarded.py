"""Which requests may carry headers that a proxy sets: only those whose sender is trusted."""

import hmac
import ipaddress
from collections.abc import Callable, Iterable, Sequence
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

KEY_HEADER = "HTTP_X_WEB_KEY"

# From anyone else these are forged: failed log-ins are counted by the address, and log lines carry
# the request id.
PROXY_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "HTTP_X_REQUEST_ID",
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxyHeaders:
    """WSGI middleware that drops the headers of a proxy unless `is_trusted` accepts the sender."""

    def __init__(self, app: WSGIApplication, is_trusted: Callable[[WSGIEnvironment], bool]) -> None:
        self._app = app
        self._is_trusted = is_trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if not self._is_trusted(environ):
            for name in PROXY_HEADERS:
                environ.pop(name, None)
        environ.pop(KEY_HEADER, None)
        return self._app(environ, start_response)


def has_key(key: str) -> Callable[[WSGIEnvironment], bool]:
    """Whether a request carries the web's `key`; with an empty `key` none is trusted."""
    expected = key.encode()

    def is_trusted(environ: WSGIEnvironment) -> bool:
        sent = environ.get(KEY_HEADER, "").encode("latin-1")
        return bool(expected) and hmac.compare_digest(sent, expected)

    return is_trusted


def comes_from(networks: Sequence[Network]) -> Callable[[WSGIEnvironment], bool]:
    """Whether a request was sent from one of `networks`."""

    def is_trusted(environ: WSGIEnvironment) -> bool:
        sender = ipaddress.ip_address(environ["REMOTE_ADDR"])
        return any(sender in network for network in networks)

    return is_trusted
