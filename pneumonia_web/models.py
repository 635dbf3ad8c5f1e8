"""The published models: a page on which ML engineers try, promote and go back to them."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.language import N_
from pneumonia_web.models_client import models_api
from pneumonia_web.views import logged_in, refuse_repeats

models = Blueprint("models", __name__)
models.before_request(refuse_repeats)

STATES = {
    "candidate": N_("Candidate"),
    "refused": N_("Refused by the gate"),
    "approved": N_("Promoted before"),
    "served": N_("In service"),
}
FIGURES = {
    "auc_roc": N_("AUC"),
    "sensitivity": N_("sensitivity"),
    "specificity": N_("specificity"),
    "brier": N_("Brier score"),
}
ACTIONS = {
    "check": N_("The trial of"),
    "promote": N_("The promotion of"),
    "return": N_("The return to"),
}
"""What somebody asked for."""

PROGRESS = {
    "waiting": N_("waits for a worker"),
    "running": N_("is being carried out, which takes a minute or two"),
    "done": N_("is done"),
    "refused": N_("was refused by the gate"),
    "failed": N_("failed"),
    "lost": N_("was not carried out; ask again"),
}
"""How far what somebody has asked for is."""

ROUTES = {"check": "candidate", "promote": "promotion", "return": "return"}
"""What the API calls each of ACTIONS."""

OPEN = ("waiting", "running")


@models.get("/models")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """All models, and how far the last wish is."""
    return _render(token)


@models.post("/models")
@logged_in
def act(token: str) -> ResponseReturnValue:
    """Ask for what the button says that was pressed."""
    action, version = request.form.get("action", ""), request.form.get("version", "")
    if action not in ROUTES:
        abort(400)
    try:
        models_api().wish_for_model(token, ROUTES[action], version)
    except ApiError as error:
        if error.status != 409:
            raise
        return _render(token, problem=str(error)), 409
    return redirect(url_for("models.show"), 303)


def _render(token: str, **shown: object) -> str:
    found = models_api().list_models(token)
    words = {"states": STATES, "names": FIGURES, "actions": ACTIONS, "progress": PROGRESS}
    wish = found["wish"]
    busy = bool(wish and wish["state"] in OPEN)
    return render_template("models.html", found=found, busy=busy, **words, **shown)
