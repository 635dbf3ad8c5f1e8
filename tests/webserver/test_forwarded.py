"""`webserver.forwarded`: whose X-Forwarded-For and X-Request-ID reach the application."""

import ipaddress
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from webserver.forwarded import PROXY_HEADERS, TrustedProxyHeaders, comes_from, has_key

PROXY = comes_from([ipaddress.ip_network("10.0.1.0/24"), ipaddress.ip_network("::1")])


def forward(is_trusted: Callable[[WSGIEnvironment], bool], **sent: str) -> WSGIEnvironment:
    """What the application sees of a request that has all headers of a proxy."""
    seen: WSGIEnvironment = {}

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        del start_response
        seen.update(environ)
        return []

    def ignore(*arguments: object) -> Callable[[bytes], object]:
        raise NotImplementedError(arguments)

    TrustedProxyHeaders(app, is_trusted)({**dict.fromkeys(PROXY_HEADERS, "x"), **sent}, ignore)
    return seen


@pytest.mark.parametrize(
    ("is_trusted", "sent", "trusted"),
    [
        (has_key("k"), {"HTTP_X_WEB_KEY": "k"}, True),
        (has_key("k"), {"HTTP_X_WEB_KEY": "guess"}, False),
        (has_key("k"), {}, False),
        (has_key(""), {"HTTP_X_WEB_KEY": ""}, False),
        (PROXY, {"REMOTE_ADDR": "10.0.1.7"}, True),
        (PROXY, {"REMOTE_ADDR": "::1"}, True),
        (PROXY, {"REMOTE_ADDR": "10.0.2.7"}, False),
    ],
)
def test_headers_of_a_proxy_are_dropped_unless_the_sender_is_trusted(
    is_trusted: Callable[[WSGIEnvironment], bool], sent: dict[str, str], trusted: bool
) -> None:
    """By the web's key in the API, by nginx's address in the web; the key goes no further."""
    seen = forward(is_trusted, **sent)
    assert set(PROXY_HEADERS) & seen.keys() == (set(PROXY_HEADERS) if trusted else set())
    assert "HTTP_X_WEB_KEY" not in seen
