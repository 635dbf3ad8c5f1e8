"""The model that the workers serve, as they announced it."""

import json
from typing import Any

import redis

from pneumonia_api.records import keys


class ServedModel:
    """Written by the workers, read by the API and by archive scoring."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def announce(self, metadata: dict[str, Any]) -> None:
        """Publish the artifact's metadata and its `version`."""
        values = {"version": metadata["version"], "metadata": json.dumps(metadata)}
        self._redis.hset(keys.MODEL, mapping=values)

    def get(self) -> dict[str, Any] | None:
        """The metadata announced last; None when no worker has ever started."""
        text = self._redis.hget(keys.MODEL, "metadata")
        return json.loads(text) if text else None

    def get_version(self) -> str | None:
        """The version announced last."""
        version: str | None = self._redis.hget(keys.MODEL, "version")
        return version
