"""The site's prevalence, what a result is worth at it, and silent weeks."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.formats import decimal
from pneumonia_web.language import gettext, ngettext
from pneumonia_web.records import Xray
from pneumonia_web.site_client import site_api
from pneumonia_web.verdict import Verdict
from pneumonia_web.views import api, logged_in, refuse_repeats

site = Blueprint("site", __name__)
site.before_request(refuse_repeats)


@site.get("/site")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """The prevalence with its history, and what each finding is worth; admins can change it."""
    return _render(token)


@site.post("/site")
@logged_in
def save(token: str) -> ResponseReturnValue:
    """State the prevalence; 422 keeps what was typed."""
    typed = request.form.get("percent", "").strip()
    try:
        site_api().set_prevalence(token, typed.replace(",", "."))
    except ApiError as error:
        if error.status != 422:
            raise
        problem = gettext("Enter per cent from 0.1 to 90, such as 20 or 7.5.")
        return _render(token, typed=typed, problem=problem), 422
    flash(gettext("The prevalence was saved."))
    return redirect(url_for("site.show"), 303)


@site.post("/site/silent")
@logged_in
def save_silence(token: str) -> ResponseReturnValue:
    """Begin or end silent weeks."""
    silent = request.form.get("silent") == "on"
    site_api().set_silent(token, silent)
    flash(gettext("Silent weeks have begun.") if silent else gettext("Silent weeks have ended."))
    return redirect(url_for("site.show"), 303)


def _render(token: str, **shown: object) -> str:
    return render_template("site.html", site=api().read_site(token), **shown)


@dataclass(frozen=True)
class Worth:
    """Of 100 patients with a result, how many are ill, in words, with the interval.

    `percent` is the site's prevalence, `patients` the number on whom the worth was measured.
    """

    percent: str
    ill: str
    interval: str
    patients: int


def find_worth(xray: Xray, verdict: Verdict) -> Worth | None:
    """What a result that is shown at once is worth here.

    None where it is withheld, where no prevalence is stated, or if it is not known of the model
    that judged the X-ray; of a site profile it never is. Also where it is uncertain: the reader is
    told to read as if there were no result, and a number would be one.
    """
    prediction = xray["prediction"]
    if verdict.hidden or verdict.reveal or verdict.finding in (None, "uncertain") or not prediction:
        return None
    if prediction.get("profile"):
        return None
    try:
        stated = api().read_site(session["token"])
    except ApiError as error:
        if error.status != 404:  # an API of the previous release
            raise
        return None
    if stated["model"] != prediction["model"] or verdict.finding not in stated["worth"]:
        return None
    worth: Mapping[str, float] = stated["worth"][verdict.finding]
    return Worth(
        percent=decimal(f"{stated['prevalences'][0]['percent']:g}"),
        ill=say_ill(worth),
        interval=say_interval(worth),
        patients=stated["patients"],
    )


def say_interval(worth: Mapping[str, float]) -> str:
    """The interval of a worth, in people of 100."""
    low, high = count_of_100(worth["low"]), count_of_100(worth["high"])
    return low if low == high else gettext("%(low)s to %(high)s", low=low, high=high)


def say_ill(worth: Mapping[str, float]) -> str:
    """How many of 100 are ill, as the end of a sentence."""
    people = 100 * worth["share"]
    if people < 1:
        return gettext("fewer than 1 is ill")
    if people > 99:
        return gettext("more than 99 are ill")
    count = int(count_of_100(worth["share"]))
    return ngettext("about %(num)s is ill", "about %(num)s are ill", count)


def count_of_100(share: float) -> str:
    """People of 100, in whole numbers; never none and never all."""
    people = 100 * share
    if people < 1:
        return gettext("fewer than 1")
    return gettext("more than 99") if people > 99 else f"{people:.0f}"
