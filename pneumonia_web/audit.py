"""Who did what: a page for admins, whose own look at it is recorded, too."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from pneumonia_web.admin_client import admin_api
from pneumonia_web.api_client import ApiError
from pneumonia_web.language import N_, gettext
from pneumonia_web.views import logged_in, refuse_repeats

audit = Blueprint("audit", __name__)
audit.before_request(refuse_repeats)

FILTERS = ("who", "action", "xray", "since", "until")

ACTIONS = {
    "log_in": N_("Logged in"),
    "give_password": N_("Gave the right password, before the code"),
    "log_out": N_("Logged out"),
    "change_password": N_("Changed their password"),
    "choose_password": N_("Chose a password by a link"),
    "set_preferences": N_("Changed their preferences"),
    "begin_factor": N_("Began a second factor"),
    "confirm_factor": N_("Confirmed a second factor"),
    "remove_factor": N_("Removed a second factor"),
    "upload": N_("Sent an X-ray"),
    "list_xrays": N_("Saw the list of X-rays"),
    "see_xray": N_("Saw an X-ray"),
    "see_image": N_("Saw the image"),
    "see_thumbnail": N_("Saw the thumbnail in a list"),
    "see_film": N_("Saw the film at full depth"),
    "export_report": N_("Exported a report"),
    "export_labels": N_("Exported labels"),
    "read": N_("Read an X-ray"),
    "confirm_outcome": N_("Confirmed an outcome"),
    "delete": N_("Deleted an X-ray"),
    "restore": N_("Restored an X-ray"),
    "list_deleted": N_("Saw the deleted X-rays"),
    "remove_old": N_("Removed an X-ray that was too old"),
    "remove_deleted": N_("Removed a deleted X-ray for good"),
    "see_reader_study": N_("Saw the reader study"),
    "see_acceptance": N_("Saw the acceptance"),
    "export_acceptance": N_("Exported the acceptance"),
    "set_prevalence": N_("Set the prevalence"),
    "set_silent": N_("Began or ended silent weeks"),
    "require_factor": N_("Set whether a second factor is required"),
    "write_plan": N_("Wrote a plan for an acceptance"),
    "fit_profile": N_("Fitted a site profile"),
    "switch_profile": N_("Switched a site profile"),
    "switch_model": N_("Served another model"),
    "list_people": N_("Saw the list of people"),
    "invite": N_("Invited a person"),
    "make_link": N_("Made a one-time link"),
    "set_password": N_("Set a person's password"),
    "set_roles": N_("Set a person's roles"),
    "set_disabled": N_("Disabled a person, or let them in again"),
    "delete_person": N_("Deleted a person"),
    "end_sessions": N_("Ended a person's sessions"),
    "list_keys": N_("Saw the list of keys"),
    "create_key": N_("Created a key"),
    "revoke_key": N_("Revoked a key"),
    "see_audit": N_("Looked at the audit"),
    "export_audit": N_("Exported the audit"),
    "call": N_("Called a route"),
}
"""The actions of the API, in words; the name itself of one that a newer API knows."""

OUTCOMES = {"refused": N_("refused"), "failed": N_("failed")}


@audit.get("/audit")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """The lines that the filters select, the newest first."""
    wanted = _read_filters()
    cursor = request.args.get("cursor", "")
    asked = {**wanted, **({"cursor": cursor} if cursor else {})}
    problem = ""
    try:
        entries, after = admin_api().read_audit(token, asked)
    except ApiError as error:
        if error.status != 422:
            raise
        entries, after = [], None
        problem = gettext("A filter has a value that there cannot be; change or clear it.")
    page = render_template(
        "audit.html",
        entries=entries,
        after=after,
        wanted=wanted,
        cursor=cursor,
        actions=ACTIONS,
        outcomes=OUTCOMES,
        problem=problem,
    )
    return page, 422 if problem else 200


@audit.get("/audit.csv")
@logged_in
def export(token: str) -> ResponseReturnValue:
    """The same lines for a spreadsheet, all of them."""
    response = Response(admin_api().export_audit(token, _read_filters()), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _read_filters() -> dict[str, str]:
    typed = {name: request.args.get(name, "").strip() for name in FILTERS}
    return {name: value for name, value in typed.items() if value}
