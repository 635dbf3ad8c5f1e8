"""The HTTP API, version 1: confirmed outcomes, and the reader study that they allow."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import schemas, study_schemas
from pneumonia_api.auth import bearer, find_current
from pneumonia_api.reader_study import study
from pneumonia_api.records.comparisons import MAX_XRAYS, list_comparisons
from pneumonia_api.records.confirming import Outcomes
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.request import check_body, check_query
from pneumonia_api.roles import is_machine
from pneumonia_api.silence import is_silenced

studies = APIBlueprint("studies", __name__, url_prefix="/v1", tag="V1")
studies.before_request(check_body)
studies.before_request(check_query)


@studies.post("/xrays/<xray_id>/outcomes")
@studies.auth_required(bearer)
@studies.input(study_schemas.NewOutcomeSchema, arg_name="outcome")
@studies.output(schemas.XraySchema, status_code=201)
@studies.doc(responses={404: "No such X-ray.", 409: "It has no prediction, or too many outcomes."})
def add_outcome(xray_id: str, outcome: dict[str, str]) -> XrayRecord:
    """State what the patient had, from other sources than this X-ray. Earlier entries stay."""
    outcomes: Outcomes = current_app.extensions["outcomes"]
    return outcomes.append(xray_id, **outcome, by=str(bearer.current_user), at=datetime.now(UTC))


@studies.get("/reader-study")
@studies.auth_required(bearer)
@studies.output(study_schemas.StudySchema)
def read_study() -> dict[str, Any]:
    """How often the AI result helped readers and misled them, of who answered before they saw it.

    A program that sends readings is no reader, so it is not counted. In silent weeks people get an
    empty study: the figures of a single X-ray would say what its result was.
    """
    caller = find_current()
    silent = is_silenced()
    comparisons = [] if silent else list_comparisons(current_app.extensions["redis"])
    found = asdict(study(each for each in comparisons if not is_machine(each.reader)))
    if not caller.is_admin:
        found["readers"] = {n: each for n, each in found["readers"].items() if n == caller.name}
    return {**found, "xrays": MAX_XRAYS, "silent": silent}
