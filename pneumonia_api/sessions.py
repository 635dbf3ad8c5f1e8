"""The HTTP API, version 1: log in and log out, and a person's preferences."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app, request

from monitoring.logs.requests import note
from pneumonia_api import people_schemas, session_schemas
from pneumonia_api.accounts import Accounts
from pneumonia_api.audit.events import Action
from pneumonia_api.audit.requests import count_as, name_caller
from pneumonia_api.auth import bearer, find_person
from pneumonia_api.passwords import LogInRefused
from pneumonia_api.provider_people import ProviderPeople
from pneumonia_api.request import check_body, check_query
from pneumonia_api.roles import Role
from pneumonia_api.second_factor import SecondFactors

sessions = APIBlueprint("sessions", __name__, url_prefix="/v1/sessions", tag="V1")
sessions.before_request(check_body)
sessions.before_request(check_query)


def _accounts() -> Accounts:
    return current_app.extensions["accounts"]


@sessions.post("")
@sessions.input(session_schemas.CredentialsSchema, arg_name="credentials")
@sessions.output(session_schemas.SessionSchema, status_code=201)
@sessions.doc(
    responses={
        202: "The password is right, and a code is needed: see `/v1/sessions/second-factor`.",
        401: "Wrong name or password.",
        429: "Too many failures in a row.",
    }
)
def log_in(credentials: dict[str, str]) -> dict[str, Any] | tuple[dict[str, Any], int]:
    """Log in; returns an opaque session token."""
    user, password = credentials["user"], credentials["password"]
    factors: SecondFactors = current_app.extensions["second_factors"]
    address = request.remote_addr or ""
    try:
        if factors.is_enrolled(user):
            pending = _accounts().hold(user, password, address)
            name_caller(user)
            count_as(Action.GIVE_PASSWORD)
            return {"pending": pending}, 202
        token = _accounts().log_in(user, password, address)
    except LogInRefused as refusal:
        name_caller(refusal.user)
        raise
    name_caller(user)
    note(user=user)  # after success only: an unknown name may be a password in the wrong field
    return describe_session(user, token)


@sessions.post("/second-factor")
@sessions.input(session_schemas.FinishedLogInSchema, arg_name="log_in")
@sessions.output(session_schemas.SessionSchema, status_code=201)
@sessions.doc(
    responses={
        401: "`wrong_code`, or `log_in_expired`: the password is needed once more.",
        429: "`too_many_codes`: too many wrong codes for this person.",
    }
)
def finish_log_in(log_in: dict[str, str]) -> dict[str, Any]:
    """Log in with a code of the authenticator app, or a recovery code; each works once."""
    factors: SecondFactors = current_app.extensions["second_factors"]
    code, now = log_in["code"], datetime.now(UTC)

    def verify(user: str) -> None:
        name_caller(user)
        factors.verify(user, code, now)

    user, token = _accounts().finish(log_in["pending"], verify)
    note(user=user)
    return describe_session(user, token)


def describe_session(user: str, token: str) -> dict[str, Any]:
    """What the pages need to know of an open session."""
    accounts = _accounts()
    roles = accounts.list_roles(user)
    return {
        "token": token,
        "user": user,
        "reads_first": accounts.reads_first(user),
        "language": accounts.language(user),
        "admin": Role.ADMIN in roles,
        "roles": [role for role in Role if role in roles],
        "by_provider": accounts.is_of_provider(user),
    }


@sessions.put("/current/preferences")
@sessions.auth_required(bearer)
@sessions.input(session_schemas.PreferencesSchema, arg_name="preferences")
@sessions.output(session_schemas.PreferencesSchema)
@sessions.doc(responses={403: "The caller is no person."})
def set_preferences(preferences: dict[str, Any]) -> dict[str, Any]:
    """Store the person's preferences; they apply to all their sessions from the next log-in on."""
    person = str(bearer.current_user)
    _accounts().set_reads_first(person, preferences["reads_first"])
    if "language" in preferences:
        _accounts().set_language(person, preferences["language"])
    return preferences


@sessions.put("/current/password")
@sessions.auth_required(bearer)
@sessions.input(people_schemas.ChangedPasswordSchema, arg_name="change")
@sessions.output(session_schemas.SessionSchema)
@sessions.doc(
    responses={
        401: "`wrong_password`: not the current one.",
        403: "The caller is no person.",
        429: "Too many failures in a row.",
    }
)
def change_password(change: dict[str, str]) -> dict[str, Any]:
    """Change the person's own password: ends all their sessions, and opens the one answered."""
    user, address = find_person(), request.remote_addr or ""
    new = change["password"]
    token = _accounts().change_password(user, change["current"], new, address)
    return describe_session(user, token)


@sessions.delete("/current")
@sessions.auth_required(bearer)
@sessions.output(session_schemas.LogOutSchema)
@sessions.doc(responses={204: "There is nothing left to do."})
def log_out() -> dict[str, str] | tuple[str, int]:
    """Log out; the token is revoked."""
    people: ProviderPeople | None = current_app.extensions["provider_people"]
    token = bearer.get_auth().token
    url = people.find_log_out(token) if people else None
    _accounts().log_out(token)
    return {"url": url} if url else ("", 204)
