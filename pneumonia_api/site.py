"""The HTTP API, version 1: what applies to the whole site."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import site_schemas
from pneumonia_api.auth import bearer
from pneumonia_api.records.profiles import Profiles
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.site import Site
from pneumonia_api.request import check_body, check_query
from pneumonia_api.worth import find_worth

site = APIBlueprint("site", __name__, url_prefix="/v1/site", tag="V1")
site.before_request(check_body)
site.before_request(check_query)


@site.get("")
@site.auth_required(bearer)
@site.output(site_schemas.SiteSchema)
def read_site() -> dict[str, Any]:
    """Prevalence, silent weeks and site profile, who stated them; what each finding is worth."""
    statements = _site().list_prevalences()
    served: ServedModel = current_app.extensions["served_model"]
    model = served.get() or {}
    profiles: Profiles = current_app.extensions["profiles"]
    active = profiles.read_active(model.get("version", ""))
    findings = model.get("findings")
    worth = {}
    if statements and findings and not active.profile:  # with one, the findings are others
        worth = find_worth(statements[0].percent / 100, findings["ratios"])
    return {
        "prevalences": statements,
        "silences": _site().list_silences(),
        "model": model.get("version"),
        "profile_state": active.state,
        "profile": active.switch,
        "images": findings["images"] if findings else None,
        "patients": findings["patients"] if findings else None,
        "worth": {name: asdict(each) for name, each in worth.items()},
    }


@site.post("/prevalence")
@site.auth_required(bearer)
@site.input(site_schemas.NewPrevalenceSchema, arg_name="statement")
@site.output({}, status_code=204)
@site.doc(responses={403: "The caller is no admin."})
def set_prevalence(statement: dict[str, float]) -> str:
    """State how many of the patients who are X-rayed here have pneumonia. Earlier ones stay."""
    _site().set_prevalence(statement["percent"], by=str(bearer.current_user), at=datetime.now(UTC))
    return ""


@site.post("/silent")
@site.auth_required(bearer)
@site.input(site_schemas.NewSilenceSchema, arg_name="statement")
@site.output({}, status_code=204)
@site.doc(responses={403: "The caller is no admin."})
def set_silent(statement: dict[str, bool]) -> str:
    """Begin or end silent weeks, for everybody from the next request on. Earlier entries stay."""
    _site().set_silent(statement["silent"], by=str(bearer.current_user), at=datetime.now(UTC))
    return ""


def _site() -> Site:
    return current_app.extensions["site"]
