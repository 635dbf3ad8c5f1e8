"""A client of the part of the HTTP API that is about what holds for the whole site."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import current_app

from pneumonia_web.api_client import ApiClient


class SiteClient(ApiClient):
    """What everybody may call, and the site's settings and its acceptance of the model."""

    def set_prevalence(self, token: str, percent: str) -> None:
        """State the site's prevalence, in per cent."""
        self._call("POST", "/v1/site/prevalence", token, json={"percent": percent})

    def set_silent(self, token: str, silent: bool) -> None:
        """Begin or end silent weeks."""
        self._call("POST", "/v1/site/silent", token, json={"silent": silent})

    def read_acceptance(self, token: str) -> Mapping[str, Any]:
        """The plan for the model in service, and what the films since then show of it."""
        return self._parse(self._call("GET", "/v1/acceptance", token), "plan", "assessment")

    def read_acceptance_pdf(self, token: str, language: str) -> bytes:
        """The same to print."""
        path = f"/v1/acceptance/report.pdf?language={quote(language, safe='')}"
        return self._call("GET", path, token).content

    def write_plan(self, token: str, sensitivity: str, specificity: str) -> None:
        """Write the plan: the least that the hospital accepts, shares from 0 to 1."""
        least = {"sensitivity": sensitivity, "specificity": specificity}
        self._call("POST", "/v1/acceptance/plan", token, json=least)

    def list_profiles(self, token: str) -> Mapping[str, Any]:
        """All site profiles, which is switched on, and what that means for the model in service."""
        return self._parse(self._call("GET", "/v1/acceptance/profiles", token), "profiles", "state")

    def fit_profile(self, token: str) -> str:
        """Have a site profile fitted and stored, not switched on; its id."""
        answer = self._call("POST", "/v1/acceptance/profiles", token)
        return str(self._parse(answer, "id")["id"])

    def switch_profile(self, token: str, profile: str | None) -> None:
        """Let a site profile decide, or, with None, the model alone."""
        self._call("POST", "/v1/acceptance/profile", token, json={"profile": profile})


def site_api() -> SiteClient:
    """The client of the API."""
    return current_app.extensions["api"]
