"""The HTTP API, version 1: a person's own second factor, and whether the site requires one."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app, request

from pneumonia_api import factor_schemas, people_schemas, session_schemas
from pneumonia_api.accounts import Accounts, NoSuchPerson, NotAPerson
from pneumonia_api.auth import bearer, find_person
from pneumonia_api.records.site import Site
from pneumonia_api.request import check_body, check_query
from pneumonia_api.second_factor import SecondFactors, write_address

factors = APIBlueprint("factors", __name__, url_prefix="/v1", tag="V1")
factors.before_request(check_body)
factors.before_request(check_query)

OWN = "/sessions/current/second-factor"

SITE_NAME = "Pneumonia detection"
"""What the app calls the account, beside the person's name."""


class FactorRequired(PermissionError):
    """The site requires a second factor, so it cannot be removed."""


def _factors() -> SecondFactors:
    return current_app.extensions["second_factors"]


def _accounts() -> Accounts:
    return current_app.extensions["accounts"]


def _site() -> Site:
    return current_app.extensions["site"]


@factors.get(OWN)
@factors.auth_required(bearer)
@factors.output(factor_schemas.FactorSchema)
def read_factor() -> dict[str, Any]:
    """Whether the person has a second factor, and whether the site requires one."""
    user = find_person()
    return {
        "enrolled": _factors().is_enrolled(user),
        "required": _site().requires_factor(),
        "recovery_codes": _factors().count_recovery_codes(user),
    }


@factors.post(OWN)
@factors.auth_required(bearer)
@factors.input(factor_schemas.PasswordSchema, arg_name="given")
@factors.output(factor_schemas.SecretSchema, status_code=201)
@factors.doc(responses={401: "`wrong_password`.", 403: "The caller is no person."})
def begin(given: dict[str, str]) -> dict[str, str]:
    """A new secret for the authenticator app; it counts once a code of it is confirmed."""
    user = find_person()
    _accounts().check_password(user, given["password"], request.remote_addr or "")
    secret = _factors().begin(user)
    return {"secret": secret, "address": write_address(secret, user, SITE_NAME)}


@factors.put(OWN)
@factors.auth_required(bearer)
@factors.input(session_schemas.CodeSchema, arg_name="given")
@factors.output(factor_schemas.RecoveryCodesSchema)
@factors.doc(responses={401: "`wrong_code`.", 409: "`no_secret`: begin first.", 429: "Too many."})
def confirm(given: dict[str, str]) -> dict[str, list[str]]:
    """Confirm the new secret by a code of it; the answer has the recovery codes."""
    codes = _factors().confirm(find_person(), given["code"], datetime.now(UTC))
    return {"recovery_codes": codes}


@factors.post(f"{OWN}/removal")
@factors.auth_required(bearer)
@factors.input(factor_schemas.PasswordSchema, arg_name="given")
@factors.output({}, status_code=204)
@factors.doc(responses={401: "`wrong_password`.", 409: "`factor_required`: by the site."})
def remove(given: dict[str, str]) -> str:
    """Log in by password alone from now on."""
    user = find_person()
    if _site().requires_factor():
        raise FactorRequired
    _accounts().check_password(user, given["password"], request.remote_addr or "")
    _factors().remove(user)
    return ""


@factors.post("/people/removed-factors")
@factors.auth_required(bearer)
@factors.input(people_schemas.PersonSchema, arg_name="person")
@factors.output({}, status_code=204)
@factors.doc(responses={404: "No such person."})
def remove_of(person: dict[str, str]) -> str:
    """Remove the second factor of somebody who lost it."""
    try:
        _factors().remove(person["user"])
    except NotAPerson as error:
        raise NoSuchPerson from error
    return ""


@factors.post("/site/second-factor")
@factors.auth_required(bearer)
@factors.input(factor_schemas.RequirementSchema, arg_name="statement")
@factors.output({}, status_code=204)
def require(statement: dict[str, bool]) -> str:
    """Require a second factor of everybody, from their next request on, or no longer."""
    by = str(bearer.current_user)
    _site().set_requirement(statement["required"], by=by, at=datetime.now(UTC))
    return ""
