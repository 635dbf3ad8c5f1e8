"""The HTTP API, version 1: whether the model in service holds at this site, for admins."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app

from pneumonia_api import acceptance_schemas
from pneumonia_api.acceptance.document import compose
from pneumonia_api.acceptance.report import Assessment
from pneumonia_api.acceptance.rule import MIN_PATIENTS, derive_bounds
from pneumonia_api.acceptance.service import InService, assess_service, read_bounds
from pneumonia_api.acceptance.speech import Speech
from pneumonia_api.auth import bearer
from pneumonia_api.files import answer_file, have_drawn
from pneumonia_api.in_service import read_in_service
from pneumonia_api.records.desk import DOCUMENT, Order
from pneumonia_api.records.plans import PlanRecord, Plans
from pneumonia_api.report.document import encode
from pneumonia_api.request import check_body, check_query

acceptances = APIBlueprint("acceptances", __name__, url_prefix="/v1/acceptance", tag="V1")
acceptances.before_request(check_body)
acceptances.before_request(check_query)

MAX_XRAYS = 5000
"""The first X-rays of a plan that the page looks at: a second's work. The command takes all."""


class NoPlan(LookupError):
    """No plan is written for what decides, so nothing is assessed."""


class UselessPlan(ValueError):
    """The least that is accepted is not below what the model card says."""


@acceptances.get("")
@acceptances.auth_required(bearer)
@acceptances.output(acceptance_schemas.AcceptanceSchema)
@acceptances.doc(
    responses={403: "The caller is no admin or ML engineer.", 503: "No model is running yet."}
)
def read_acceptance() -> dict[str, Any]:
    """The plan for what decides in the service, and what the films since then show of it.

    That is the model, with the site profile that is switched on for it. Nothing is assessed without
    a plan, because bounds that are chosen afterwards prove nothing.
    """
    serves, plan, assessment = _assess()
    found = asdict(assessment) if assessment else None
    plans: Plans = current_app.extensions["plans"]
    proposed = {name: asdict(each) for name, each in derive_bounds(serves.promised, {}).items()}
    return {
        "model": serves.version,
        "profile": serves.profile,
        "plan": plan,
        "plans": plans.list_all(),
        "proposed": proposed,
        "assessment": found,
        "xrays": MAX_XRAYS,
        "patients": MIN_PATIENTS,
    }


@acceptances.get("/report.pdf")
@acceptances.auth_required(bearer)
@acceptances.input(acceptance_schemas.LanguageSchema, location="query", arg_name="query")
@acceptances.output(FileSchema(), content_type="application/pdf")
@acceptances.doc(
    responses={
        403: "The caller is no admin or ML engineer.",
        409: "`no_plan` is written, so nothing is assessed.",
        503: "No model is running yet, or no worker drew it in time; see Retry-After.",
    }
)
def read_pdf(query: dict[str, str]) -> Response:
    """The same as a PDF, tagged and searchable."""
    serves, plan, assessment = _assess()
    if assessment is None:
        raise NoPlan
    say = Speech(query["language"])
    document = compose(assessment, plan, serves.active.profile, say, datetime.now(UTC))
    order = Order("", DOCUMENT, say.language, silent=False, content=encode(document))
    return answer_file(have_drawn(order), "application/pdf", "acceptance.pdf")


def _assess() -> tuple[InService, PlanRecord | None, Assessment | None]:
    """What decides, its plan, and, if there is one, what came of it. Raises ModelUnknown."""
    serves = read_in_service()
    plans: Plans = current_app.extensions["plans"]
    plan = plans.find(serves.version, serves.profile)
    if plan is None:
        return serves, None, None
    client = current_app.extensions["redis"]
    bounds = read_bounds(plan)
    found = assess_service(client, serves, bounds, since=plan.since, limit=MAX_XRAYS)
    return serves, plan, found


@acceptances.post("/plan")
@acceptances.auth_required(bearer)
@acceptances.input(acceptance_schemas.NewPlanSchema, arg_name="least")
@acceptances.output({}, status_code=204)
@acceptances.doc(
    responses={
        403: "The caller is no admin.",
        422: "`useless_plan`: a bound is not below what the model card, or the profile, says.",
        503: "No model is running yet.",
    }
)
def write_plan(least: dict[str, float]) -> str:
    """Write the plan for what decides in the service: X-rays that are sent from now on count."""
    serves = read_in_service()
    try:
        bounds = derive_bounds(serves.promised, least)
    except ValueError as error:
        raise UselessPlan from error
    plans: Plans = current_app.extensions["plans"]
    plans.add(
        serves.version,
        {name: each.expected for name, each in bounds.items()},
        {name: each.least for name, each in bounds.items()},
        by=str(bearer.current_user),
        at=datetime.now(UTC),
        profile=serves.profile,
    )
    return ""
