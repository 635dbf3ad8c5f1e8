"""Confirmed outcomes, and the reader study that they allow."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.language import N_, gettext
from pneumonia_web.views import api, logged_in, refuse_repeats

studies = Blueprint("studies", __name__)
studies.before_request(refuse_repeats)

OUTCOMES = {"pneumonia": N_("Pneumonia"), "normal": N_("No pneumonia"), "unknown": N_("Not known")}

BASES = {
    "microbiology": N_("Laboratory"),
    "ct": N_("CT"),
    "consensus": N_("Several experts"),
    "follow_up": N_("Course of the disease"),
}
"""What an outcome rests on, in words."""


@studies.get("/reader-study")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """How often the AI result helped readers and misled them."""
    return render_template("reader_study.html", study=api().read_study(token))


@studies.post("/xrays/<xray_id>/outcomes")
@logged_in
def confirm(token: str, xray_id: str) -> ResponseReturnValue:
    """Record what the patient had, and show the X-ray again."""
    label = request.form.get("label", "")
    basis = "" if label == "unknown" else request.form.get("basis", "")
    api().add_outcome(token, xray_id, label, basis)
    flash(gettext("The outcome was recorded."))
    return redirect(url_for("pages.result", xray_id=xray_id), 303)
