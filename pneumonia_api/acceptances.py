"""The HTTP API, version 1: whether the model in service holds at this site, for admins."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import acceptance_schemas
from pneumonia_api.acceptance.report import read_card
from pneumonia_api.acceptance.rule import MIN_PATIENTS, derive_bounds
from pneumonia_api.acceptance.service import assess_service, read_bounds
from pneumonia_api.auth import bearer
from pneumonia_api.records.plans import Plans
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.request import check_body, check_query
from pneumonia_api.views import ModelUnknown

acceptances = APIBlueprint("acceptances", __name__, url_prefix="/v1/acceptance", tag="V1")
acceptances.before_request(check_body)
acceptances.before_request(check_query)

MAX_XRAYS = 5000
"""The first X-rays of a plan that the page looks at: a second's work. The command takes all."""


class UselessPlan(ValueError):
    """The least that is accepted is not below what the model card says."""


@acceptances.get("")
@acceptances.auth_required(bearer)
@acceptances.output(acceptance_schemas.AcceptanceSchema)
@acceptances.doc(
    responses={403: "The caller is no admin or ML engineer.", 503: "No model is running yet."}
)
def read_acceptance() -> dict[str, Any]:
    """The plan for the model in service, and what the films since then show of it.

    Nothing is assessed without a plan, because bounds that are chosen afterwards prove nothing.
    """
    model = _read_model()
    card, version = read_card(model), model["version"]
    plans: Plans = current_app.extensions["plans"]
    plan = plans.find(version)
    found = None
    if plan:
        client = current_app.extensions["redis"]
        bounds = read_bounds(plan)
        assessment = assess_service(
            client, version, card, bounds, since=plan.since, limit=MAX_XRAYS
        )
        found = asdict(assessment)
    proposed = {name: asdict(each) for name, each in derive_bounds(card, {}).items()}
    return {
        "model": version,
        "plan": plan,
        "plans": plans.list_all(),
        "proposed": proposed,
        "assessment": found,
        "xrays": MAX_XRAYS,
        "patients": MIN_PATIENTS,
    }


@acceptances.post("/plan")
@acceptances.auth_required(bearer)
@acceptances.input(acceptance_schemas.NewPlanSchema, arg_name="least")
@acceptances.output({}, status_code=204)
@acceptances.doc(
    responses={
        403: "The caller is no admin.",
        422: "`useless_plan`: a bound is not below what the model card says.",
        503: "No model is running yet.",
    }
)
def write_plan(least: dict[str, float]) -> str:
    """Write the plan for the model in service: X-rays that are sent from now on count."""
    model = _read_model()
    try:
        bounds = derive_bounds(read_card(model), least)
    except ValueError as error:
        raise UselessPlan from error
    plans: Plans = current_app.extensions["plans"]
    plans.add(
        model["version"],
        {name: each.expected for name, each in bounds.items()},
        {name: each.least for name, each in bounds.items()},
        by=str(bearer.current_user),
        at=datetime.now(UTC),
    )
    return ""


def _read_model() -> dict[str, Any]:
    """The metadata of the model in service. Raises ModelUnknown."""
    served: ServedModel = current_app.extensions["served_model"]
    model = served.get()
    if model is None:
        raise ModelUnknown
    return model
