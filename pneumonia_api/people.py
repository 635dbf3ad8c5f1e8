"""The HTTP API, version 1: who may log in, for admins; and one-time links, for who gets one.

A person's name is free text, so that it is in the body of a request and never in an address.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import people_schemas
from pneumonia_api.accounts import Accounts, OfProvider
from pneumonia_api.audit.requests import name_caller
from pneumonia_api.auth import bearer, find_current
from pneumonia_api.directory import Directory, Person
from pneumonia_api.links import Link, Links
from pneumonia_api.request import check_body, check_query
from pneumonia_api.roles import Role

people = APIBlueprint("people", __name__, url_prefix="/v1", tag="V1")
people.before_request(check_body)
people.before_request(check_query)


class OwnAccount(PermissionError):
    """An admin would lock themselves out, and perhaps everybody."""


def _directory() -> Directory:
    return current_app.extensions["directory"]


def _links() -> Links:
    return current_app.extensions["links"]


@people.get("/people")
@people.auth_required(bearer)
@people.output(people_schemas.PeopleSchema)
def list_people() -> dict[str, list[dict[str, Any]]]:
    """Everybody who may log in, by name, with their open sessions."""
    return {"people": [_describe(person) for person in _directory().list_people()]}


@people.post("/people")
@people.auth_required(bearer)
@people.input(people_schemas.NewPersonSchema, arg_name="new")
@people.output(people_schemas.LinkSchema, status_code=201)
@people.doc(responses={409: "`person_exists`: somebody has this name."})
def invite(new: dict[str, Any]) -> Link:
    """Add a person; the answer has the one-time link by which they choose a password."""
    return _links().invite(new["user"], new["roles"], at=datetime.now(UTC))


@people.post("/people/links")
@people.auth_required(bearer)
@people.input(people_schemas.PersonSchema, arg_name="person")
@people.output(people_schemas.LinkSchema, status_code=201)
@people.doc(
    responses={
        404: "Nobody has this name, or they are disabled.",
        409: "`of_provider`: they have no password here.",
    }
)
def make_link(person: dict[str, str]) -> Link:
    """A new one-time link, in place of an earlier one; the password works until it is used."""
    return _links().renew(person["user"], at=datetime.now(UTC))


@people.put("/people/roles")
@people.auth_required(bearer)
@people.input(people_schemas.RolesSchema, arg_name="person")
@people.output({}, status_code=204)
@people.doc(
    responses={
        404: "No such person.",
        409: "`own_account`: your own role admin. `of_provider`: their roles come from elsewhere.",
    }
)
def set_roles(person: dict[str, Any]) -> str:
    """Set a person's roles and end their sessions."""
    if _is_own(person["user"]) and Role.ADMIN not in person["roles"]:
        raise OwnAccount
    accounts: Accounts = current_app.extensions["accounts"]
    if accounts.is_of_provider(person["user"]):
        raise OfProvider
    accounts.set_roles(person["user"], person["roles"])
    return ""


@people.put("/people/disabled")
@people.auth_required(bearer)
@people.input(people_schemas.DisabledSchema, arg_name="person")
@people.output({}, status_code=204)
@people.doc(responses={404: "No such person.", 409: "`own_account`: your own account."})
def set_disabled(person: dict[str, Any]) -> str:
    """Disable a person, which ends their sessions and links, or let them log in again."""
    if _is_own(person["user"]):
        raise OwnAccount
    change = _directory().disable if person["disabled"] else _directory().enable
    change(person["user"])
    return ""


@people.post("/people/ended-sessions")
@people.auth_required(bearer)
@people.input(people_schemas.EndedSessionsSchema, arg_name="ended")
@people.output({}, status_code=204)
def end_sessions(ended: dict[str, str]) -> str:
    """End one session of a person, or all of them; nothing happens where there is none."""
    if "session" in ended:
        _directory().end_session(ended["user"], ended["session"])
    else:
        _directory().end_sessions(ended["user"])
    return ""


@people.post("/links")
@people.input(people_schemas.RedeemedLinkSchema, arg_name="redeemed")
@people.output(people_schemas.PersonSchema)
@people.doc(responses={404: "The link was used, replaced or never made, or has expired."})
def redeem_link(redeemed: dict[str, str]) -> dict[str, str]:
    """Choose the password of the person whom the link was made for; needs no log-in."""
    user = _links().redeem(redeemed["token"], redeemed["password"])
    name_caller(user)
    return {"user": user}


def _is_own(user: str) -> bool:
    caller = find_current()
    return caller.is_person and caller.name == user


def _describe(person: Person) -> dict[str, Any]:
    return {**asdict(person), "roles": [role for role in Role if role in person.roles]}
