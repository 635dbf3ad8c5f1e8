"""Who may log in: a page for admins, on which they invite people and change what each may do."""

from collections.abc import Sequence
from typing import NoReturn

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.admin_client import admin_api
from pneumonia_web.api_client import ApiError
from pneumonia_web.factor_client import factor_api
from pneumonia_web.language import N_, gettext
from pneumonia_web.rules import ROLES
from pneumonia_web.views import logged_in, refuse_repeats

people = Blueprint("people", __name__)
people.before_request(refuse_repeats)

MEANINGS = {
    "clinician": N_("sends X-rays, sees them and reads them"),
    "lead": N_("does that, deletes and restores X-rays, and takes back what others read"),
    "ml_engineer": N_("follows how the model does, and decides which one serves; sees no X-ray"),
    "admin": N_("decides who may do what, and what holds for the site; sees no X-ray"),
}
"""What each role is for."""

STATES = {
    "invited": N_("Invited"),
    "disabled": N_("Disabled"),
}
"""What is said of somebody who cannot log in."""


@people.get("/people")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """Everybody, with their roles and sessions."""
    return _render(token)


@people.post("/people")
@logged_in
def invite(token: str) -> ResponseReturnValue:
    """Add a person and show their link this once; 409 and 422 keep what was typed."""
    user, roles = request.form.get("user", "").strip(), _read_roles()
    typed = {"user": user, "roles": roles}
    if not roles:
        problem = gettext("Choose at least one role.")
        return _render(token, typed=typed, problem=problem), 422
    try:
        secret = admin_api().invite(token, user, roles)
    except ApiError as error:
        if error.status not in (409, 422):
            raise
        spelling = gettext("Use 1 to 64 characters, and not the name of a program.")
        problem = spelling if error.status == 422 else str(error)
        return _render(token, typed=typed, problem=problem), error.status
    return _render(token, link=_describe_link(user, secret))


@people.post("/people/change")
@logged_in
def change(token: str) -> ResponseReturnValue:
    """Do to a person what the button says that was pressed."""
    user, action = request.form.get("user", ""), request.form.get("action", "")
    if action == "link":
        # Not after a redirect: the secret would have to wait in the cookie or in the address.
        secret = admin_api().make_link(token, user)
        return _render(token, link=_describe_link(user, secret))
    if action == "roles":
        admin_api().set_roles(token, user, _read_roles())
        flash(gettext("The roles of %(name)s were saved.", name=user))
    elif action in ("disable", "enable"):
        admin_api().set_disabled(token, user, action == "disable")
        flash(_say_disabled(user, action == "disable"))
    elif action == "remove_factor":
        factor_api().remove_factor_of(token, user)
        flash(gettext("The second factor of %(name)s was removed.", name=user))
    elif action == "end":
        session_id = request.form.get("session") or None
        admin_api().end_sessions(token, user, session_id)
        flash(_say_ended(user, one=session_id is not None))
    else:
        _refuse()
    return redirect(url_for("people.show"), 303)


def _say_disabled(user: str, disabled: bool) -> str:
    if disabled:
        return gettext("%(name)s can no longer log in.", name=user)
    return gettext("%(name)s can log in again.", name=user)


def _say_ended(user: str, *, one: bool) -> str:
    if one:
        return gettext("The session of %(name)s was ended.", name=user)
    return gettext("All sessions of %(name)s were ended.", name=user)


def _refuse() -> NoReturn:
    abort(400)


def _read_roles() -> Sequence[str]:
    return [role for role in ROLES if request.form.get(role) == "on"]


def _describe_link(user: str, secret: str) -> dict[str, str]:
    return {"user": user, "url": url_for("joining.ask", link=secret, _external=True)}


def _render(token: str, **shown: object) -> str:
    listed = admin_api().list_people(token)
    words = {"roles": ROLES, "meanings": MEANINGS, "states": STATES}
    return render_template("people.html", people=listed, **words, **shown)
