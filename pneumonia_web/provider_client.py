"""A client of the part of the HTTP API that is about the site's OpenID provider."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app

from pneumonia_web.api_client import LogIn
from pneumonia_web.factor_client import FactorClient


@dataclass(frozen=True)
class Begun:
    """A log-in that was begun: where the browser goes, and what it will bring back."""

    url: str
    state: str


class ProviderClient(FactorClient):
    """The whole API."""

    def begin_log_in(self, *, again: bool) -> Begun:
        """Begin; with `again` the person has to log in at the provider anew."""
        answer = self._call("POST", "/v1/sessions/oidc", json={"again": again}, timeout=PATIENCE)
        found = self._parse(answer, "url", "state")
        return Begun(str(found["url"]), str(found["state"]))

    def redeem_code(self, brought: Mapping[str, str], address: str) -> LogIn:
        """Open a session with what the provider sent back: state, code, and iss if it does so."""
        answer = self._call(
            "POST",
            "/v1/sessions/oidc/code",
            json=brought,
            headers={"X-Forwarded-For": address},
            timeout=PATIENCE,
        )
        return self._read_session(answer)


PATIENCE = (3, 30)
"""Seconds: the API asks the provider up to four things, each with limits of its own."""


def provider_api() -> ProviderClient:
    """The client of the API."""
    return current_app.extensions["api"]
