"""A client of the part of the HTTP API that is about second factors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app

from pneumonia_web.admin_client import AdminClient

OWN = "/v1/sessions/current/second-factor"


@dataclass(frozen=True)
class Secret:
    """What the authenticator app needs: to be typed in, and as an address for the QR code."""

    secret: str
    address: str


class FactorClient(AdminClient):
    """The whole API."""

    def read_factor(self, token: str) -> Mapping[str, Any]:
        """Whether the person has a second factor, and whether the site requires one."""
        return self._parse(self._call("GET", OWN, token), "enrolled", "required")

    def begin_factor(self, token: str, password: str, address: str) -> Secret:
        """A new secret. Failures count by name and the browser's `address`."""
        headers = {"X-Forwarded-For": address}
        answer = self._call("POST", OWN, token, json={"password": password}, headers=headers)
        found = self._parse(answer, "secret", "address")
        return Secret(str(found["secret"]), str(found["address"]))

    def confirm_factor(self, token: str, code: str) -> list[str]:
        """Enrol the person; returns the recovery codes."""
        answer = self._call("PUT", OWN, token, json={"code": code})
        return cast(list[str], self._parse(answer, "recovery_codes")["recovery_codes"])

    def remove_factor(self, token: str, password: str, address: str) -> None:
        """Log in by password alone from now on."""
        headers = {"X-Forwarded-For": address}
        body = {"password": password}
        self._call("POST", f"{OWN}/removal", token, json=body, headers=headers)

    def remove_factor_of(self, token: str, user: str) -> None:
        """Remove the second factor of somebody who lost it."""
        self._call("POST", "/v1/people/removed-factors", token, json={"user": user})

    def require_factor(self, token: str, required: bool) -> None:
        """Require a second factor of everybody, or no longer."""
        self._call("POST", "/v1/site/second-factor", token, json={"required": required})


def factor_api() -> FactorClient:
    """The client of the API."""
    return current_app.extensions["api"]
