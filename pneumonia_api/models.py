"""The HTTP API, version 1: the published models, and which one is served.

A wish is answered with 202: a worker carries it out (`worker.models`), and `GET /v1/models` says
how it ended.
"""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import model_schemas
from pneumonia_api.auth import bearer
from pneumonia_api.records.models import Models, NoArtifactStore, What, WishRecord
from pneumonia_api.request import check_body, check_query

models = APIBlueprint("models", __name__, url_prefix="/v1/models", tag="V1")
models.before_request(check_body)
models.before_request(check_query)

REFUSALS = {
    404: "`no_such_model`: no complete model of this version is published.",
    409: "`no_artifact_store`, `wrong_model_state`, or `wish_open`: another wish is not done yet.",
}


def _models() -> Models:
    return current_app.extensions["models"]


def _wish(what: What, chosen: dict[str, str]) -> WishRecord:
    by = str(bearer.current_user)
    return _models().wish(what, chosen["version"], by=by, at=datetime.now(UTC))


@models.get("")
@models.auth_required(bearer)
@models.output(model_schemas.ModelsSchema)
def list_models() -> dict[str, Any]:
    """All published models with their state and figures, and how the last wish ended."""
    wish = _models().find_wish(datetime.now(UTC))
    try:
        return {"has_store": True, "models": _models().list_all(), "wish": wish}
    except NoArtifactStore:
        return {"has_store": False, "models": [], "wish": wish}


@models.post("/candidate")
@models.auth_required(bearer)
@models.input(model_schemas.VersionSchema, arg_name="chosen")
@models.output(model_schemas.WishSchema, status_code=202)
@models.doc(responses=REFUSALS)
def check(chosen: dict[str, str]) -> WishRecord:
    """Have a worker say whether a model would pass the gate; nothing else changes."""
    return _wish(What.CHECK, chosen)


@models.post("/promotion")
@models.auth_required(bearer)
@models.input(model_schemas.VersionSchema, arg_name="chosen")
@models.output(model_schemas.WishSchema, status_code=202)
@models.doc(responses=REFUSALS)
def promote(chosen: dict[str, str]) -> WishRecord:
    """Have a candidate served if it passes the gate; all workers switch to it."""
    return _wish(What.PROMOTE, chosen)


@models.post("/return")
@models.auth_required(bearer)
@models.input(model_schemas.VersionSchema, arg_name="chosen")
@models.output(model_schemas.WishSchema, status_code=202)
@models.doc(responses=REFUSALS)
def go_back(chosen: dict[str, str]) -> WishRecord:
    """Have a model served that was promoted before."""
    return _wish(What.RETURN, chosen)
