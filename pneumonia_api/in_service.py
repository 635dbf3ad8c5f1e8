"""What decides in the service now, as requests see it."""

from typing import Any

import redis
from flask import current_app

from pneumonia_api.acceptance.service import InService, find_in_service
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.views import ModelUnknown


def read_in_service() -> InService:
    """The model that the workers announced, and its site profile. Raises ModelUnknown."""
    served: ServedModel = current_app.extensions["served_model"]
    model: dict[str, Any] | None = served.get()
    if model is None:
        raise ModelUnknown
    client: redis.Redis = current_app.extensions["redis"]
    return find_in_service(client, model)
