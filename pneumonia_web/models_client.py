"""A client of the part of the HTTP API that is about published models."""

from collections.abc import Mapping
from typing import Any

from flask import current_app

from pneumonia_web.provider_client import ProviderClient


class ModelsClient(ProviderClient):
    """The whole API."""

    def list_models(self, token: str) -> Mapping[str, Any]:
        """All published models with state and figures, and the last wish."""
        return self._parse(self._call("GET", "/v1/models", token), "models", "wish", "has_store")

    def wish_for_model(self, token: str, what: str, version: str) -> None:
        """Have a worker do something with a model: a candidate, promotion or return."""
        self._call("POST", f"/v1/models/{what}", token, json={"version": version})


def models_api() -> ModelsClient:
    """The client of the API."""
    return current_app.extensions["api"]
