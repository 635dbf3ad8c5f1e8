"""The HTTP API, version 1: site profiles of the model in service, for admins."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import profile_schemas
from pneumonia_api.acceptance.service import fit_service, switch_on
from pneumonia_api.acceptances import MAX_XRAYS
from pneumonia_api.auth import bearer
from pneumonia_api.in_service import read_in_service
from pneumonia_api.records.profiles import MIN_PATIENTS, ProfileRecord, Profiles
from pneumonia_api.request import check_body, check_query

site_profiles = APIBlueprint("profiles", __name__, url_prefix="/v1/acceptance", tag="V1")
site_profiles.before_request(check_body)
site_profiles.before_request(check_query)


@site_profiles.get("/profiles")
@site_profiles.auth_required(bearer)
@site_profiles.output(profile_schemas.ProfilesSchema)
@site_profiles.doc(
    responses={403: "The caller is no admin or ML engineer.", 503: "No model is running yet."}
)
def list_profiles() -> dict[str, Any]:
    """All site profiles, which is switched on, what that means for the model in service, and who
    switched."""
    serves, profiles = read_in_service(), _profiles()
    return {
        "model": serves.version,
        "state": serves.active.state,
        "switch": serves.active.switch,
        "profiles": profiles.list_all(),
        "switches": profiles.list_switches(),
        "patients": MIN_PATIENTS,
    }


@site_profiles.post("/profiles")
@site_profiles.auth_required(bearer)
@site_profiles.output(profile_schemas.FittedProfileSchema, status_code=201)
@site_profiles.doc(
    responses={
        403: "The caller is no admin.",
        422: "`too_few_films`: for a profile of this model.",
        503: "No model is running yet.",
    }
)
def fit_profile() -> ProfileRecord:
    """Fit a profile to the labelled films of the model in service, and store it, not switched on.

    To those that were sent since the plan, whatever profile decided them: the model's own
    probability counts.
    """
    return fit_service(
        current_app.extensions["redis"],
        read_in_service().version,
        limit=MAX_XRAYS,
        by=str(bearer.current_user),
        at=datetime.now(UTC),
    )


@site_profiles.post("/profile")
@site_profiles.auth_required(bearer)
@site_profiles.input(profile_schemas.NewSwitchSchema, arg_name="switch")
@site_profiles.output({}, status_code=204)
@site_profiles.doc(
    responses={
        403: "The caller is no admin.",
        404: "`no_such_profile`.",
        409: "`profile_of_another_model` than is in service, or `broken_profile`.",
        503: "No model is running yet.",
    }
)
def switch_profile(switch: dict[str, str | None]) -> str:
    """Let a profile decide for everybody from the next X-ray on, or, with null, the model alone.

    Results that are there stay as they are. A profile that has no plan yet gets one: what it
    promises is expected.
    """
    caller, now = str(bearer.current_user), datetime.now(UTC)
    serves, profile = read_in_service(), switch["profile"]
    if profile is None:
        _profiles().switch_off(by=caller, at=now)
    else:
        switch_on(current_app.extensions["redis"], profile, serves.version, by=caller, at=now)
    return ""


def _profiles() -> Profiles:
    return current_app.extensions["profiles"]
