"""What the model that runs is for, how good it is and what it cannot do, from its own artifact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.language import N_
from pneumonia_web.views import api, logged_in, refuse_repeats

about = Blueprint("about", __name__)
about.before_request(refuse_repeats)

FIGURES = {
    "sensitivity": N_("Sensitivity: of the patients with pneumonia, how many it finds"),
    "specificity": N_("Specificity: of those without, how many it leaves out"),
    "auc_roc": N_("Area under the ROC curve"),
}


CHANGES = {
    date(2026, 11, 28): N_(
        "A reader study: how often the result helped readers and misled them. An "
        "earlier X-ray of the same reference can be shown beside the one that you read."
    ),
    date(2026, 11, 27): N_(
        "Ages and an uncertain band: no verdict outside the ages that the model is for, on poor "
        "images, or where patients with and without pneumonia score alike. Films that are "
        "mirrored, turned or negative get a warning. The result can wait for the reader's own "
        "reading."
    ),
    date(2026, 11, 25): N_("The model that runs unless your site has put in another."),
}
"""What readers notice, the newest first; CHANGELOG.md has the rest."""


@dataclass(frozen=True)
class Figure:
    """One figure on the test set, with the ends of its 95 % interval; all from 0 to 1."""

    meaning: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class AboutModel:
    """What the page says of one model. None is what an earlier artifact does not state.

    `figures` are at `threshold`, on `images` of `patients` that it never saw. `ages` are the
    youngest and the oldest, `uncertain` the probabilities between which there is no verdict.
    """

    version: str
    threshold: float
    precision: str
    figures: list[Figure]
    images: int
    patients: int
    ages: tuple[int, int] | None
    uncertain: tuple[float, float] | None
    trained: str | None


def read_about(model: Mapping[str, Any]) -> AboutModel:
    """From the metadata of `/v1/model`. Raises KeyError if it lacks what every artifact has."""
    test = model["scores"]["test"]
    ages, band, training = (model.get(name) or {} for name in ("ages", "uncertain", "training"))
    return AboutModel(
        version=model["version"],
        threshold=model["threshold"],
        precision=model.get("precision", "float32"),
        figures=[Figure(text, *test[name]) for name, text in FIGURES.items()],
        images=test["images"],
        patients=test["patients"],
        ages=(ages["youngest"], ages["oldest"]) if ages else None,
        uncertain=(band["low"], band["high"]) if band else None,
        trained=training.get("trained_at"),
    )


@about.get("/about")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """The page; while no worker runs, it says so."""
    try:
        model = read_about(api().read_model(token))
    except ApiError as error:
        if error.code != "no_model":
            raise
        return _render(model=None, problem=str(error)), error.status
    return _render(model=model)


def _render(**shown: object) -> str:
    return render_template("about.html", changes=CHANGES, ready=api().is_ready(), **shown)
