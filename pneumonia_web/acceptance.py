"""Whether the model holds at this site: a page for admins."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.language import N_, find_language, gettext
from pneumonia_web.reports import answer_pdf
from pneumonia_web.site_client import site_api
from pneumonia_web.views import logged_in, refuse_repeats

acceptance = Blueprint("acceptance", __name__)
acceptance.before_request(refuse_repeats)

VERDICTS = {
    "holds_here": N_("Holds here"),
    "does_not_hold": N_("Does not hold here"),
    "too_few_to_say": N_("Too few to say"),
}

FIGURES = {
    "auc": N_("Area under the ROC curve"),
    "sensitivity": N_("Sensitivity"),
    "specificity": N_("Specificity"),
}

LEAST = {"sensitivity": N_("Least sensitivity"), "specificity": N_("Least specificity")}

GROUPS = {
    "age": N_("Age in the file"),
    "view": N_("View"),
    "device": N_("Machine"),
    "source": N_("Sent by"),
}

NAMES = {
    "within": N_("of the model's ages"),
    "under": N_("younger: result withheld"),
    "above": N_("older: result withheld"),
    "contradictory": N_("in doubt: result withheld"),
    "implausible": N_("cannot be right"),
    "unknown": N_("not in the file"),
    "person": N_("a person"),
    "program": N_("a program"),
    "archive": N_("scoring of an archive"),
}
"""Of groups, in words; PA, AP and the names of machines are words themselves."""


@acceptance.get("/acceptance")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """The verdict and what it rests on; without a plan the form that writes one."""
    return _render(token)


@acceptance.get("/acceptance/report.pdf")
@logged_in
def pdf(token: str) -> ResponseReturnValue:
    """The acceptance as a PDF, in the language of the pages."""
    return answer_pdf(site_api().read_acceptance_pdf(token, find_language()), "acceptance.pdf")


@acceptance.post("/acceptance/plan")
@logged_in
def write_plan(token: str) -> ResponseReturnValue:
    """Write the plan; 422 keeps what was typed."""
    typed = {name: request.form.get(name, "").strip() for name in ("sensitivity", "specificity")}
    try:
        site_api().write_plan(token, *(_read_percent(each) for each in typed.values()))
    except ApiError as error:
        if error.status != 422:
            raise
        problem = (
            str(error)
            if error.code == "useless_plan"
            else gettext("Enter per cent between 0 and 100, such as 90.")
        )
        return _render(token, typed=typed, problem=problem), 422
    flash(gettext("The plan was written. X-rays that are sent from now on count."))
    return redirect(url_for("acceptance.show"), 303)


@acceptance.post("/acceptance/profiles")
@logged_in
def fit_profile(token: str) -> ResponseReturnValue:
    """Have a site profile fitted and stored; it decides nothing yet."""
    try:
        profile = site_api().fit_profile(token)
    except ApiError as error:
        if error.code != "too_few_films":
            raise
        return _render(token, profile_problem=str(error)), error.status
    flash(gettext("The site profile %(profile)s was stored. It is not in use.", profile=profile))
    return redirect(url_for("acceptance.show", _anchor="site-profile"), 303)


@acceptance.post("/acceptance/profile")
@logged_in
def switch_profile(token: str) -> ResponseReturnValue:
    """Let a site profile decide for everybody, or, without one, the model alone."""
    profile = request.form.get("profile") or None
    try:
        site_api().switch_profile(token, profile)
    except ApiError as error:
        if error.status not in (404, 409):
            raise
        return _render(token, profile_problem=str(error)), error.status
    if profile:
        flash(gettext("The site profile %(profile)s decides from now on.", profile=profile))
    else:
        flash(gettext("The model alone decides from now on."))
    return redirect(url_for("acceptance.show", _anchor="site-profile"), 303)


def _read_percent(text: str) -> str:
    """The share that somebody typed in per cent; what is no number goes on as it is."""
    try:
        return str(float(text.replace(",", ".")) / 100)
    except ValueError:
        return text


def _list_profiles(token: str) -> Mapping[str, Any] | None:
    """None from an API of the previous release."""
    try:
        return site_api().list_profiles(token)
    except ApiError as error:
        if error.status != 404:
            raise
        return None


def _render(token: str, **shown: object) -> str:
    return render_template(
        "acceptance.html",
        found=site_api().read_acceptance(token),
        profiles=_list_profiles(token),
        verdicts=VERDICTS,
        figures=FIGURES,
        least_titles=LEAST,
        group_titles=GROUPS,
        group_names=NAMES,
        **shown,
    )
