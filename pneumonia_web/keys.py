"""Keys for programs: a page for admins."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.admin_client import admin_api
from pneumonia_web.api_client import ApiError
from pneumonia_web.language import N_, gettext
from pneumonia_web.views import logged_in, refuse_repeats

machine_keys = Blueprint("keys", __name__)
machine_keys.before_request(refuse_repeats)

RIGHTS = {
    "upload": N_("Send X-rays and get their results"),
    "read": N_("See all X-rays and results"),
    "review": N_("Add readings and confirmed outcomes"),
    "delete": N_("Delete X-rays, and restore its own"),
    "study": N_("See how the model and its readers do"),
    "site": N_("State what holds for the whole site"),
    "models": N_("Try, promote and go back to models"),
}
"""The rights of the API, in words."""


@machine_keys.get("/keys")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """The keys with their rights and their last use."""
    return _render(token)


@machine_keys.post("/keys")
@logged_in
def create(token: str) -> ResponseReturnValue:
    """Create a key, and show it this once; 409 and 422 keep what was typed."""
    name = request.form.get("name", "").strip()
    rights = [right for right in RIGHTS if request.form.get(right) == "on"]
    typed = {"name": name, "rights": rights}
    if not rights:
        problem = gettext("Choose what the program may do.")
        return _render(token, typed=typed, problem=problem), 422
    try:
        key = admin_api().create_key(token, name, rights)
    except ApiError as error:
        if error.status not in (409, 422):
            raise
        spelling = gettext("Use 1 to 32 letters, digits, dots, hyphens and underscores.")
        problem = spelling if error.status == 422 else str(error)
        return _render(token, typed=typed, problem=problem), error.status
    # Not after a redirect: the key would have to wait in the cookie or in the address.
    return _render(token, created={"name": name, "key": key})


@machine_keys.post("/keys/revoke")
@logged_in
def revoke(token: str) -> ResponseReturnValue:
    """Revoke a key."""
    name = request.form.get("name", "")
    admin_api().revoke_key(token, name)
    flash(gettext("The key %(name)s was revoked.", name=name))
    return redirect(url_for("keys.show"), 303)


def _render(token: str, **shown: object) -> str:
    return render_template("keys.html", keys=admin_api().list_keys(token), rights=RIGHTS, **shown)
