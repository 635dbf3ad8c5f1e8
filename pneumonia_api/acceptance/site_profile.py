"""A site profile of what was fitted to a hospital's own films."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pneumonia_api.acceptance.figures import Estimate
from pneumonia_api.acceptance.films import Film
from pneumonia_api.acceptance.local import Local, fit_local, list_usable
from pneumonia_api.intervals import Share
from pneumonia_api.records.moments import write_time
from pneumonia_api.records.profiles import FilmsRecord, ProfileRecord

CARD_NAMES = ("auc", "sensitivity", "specificity")
"""Figures of a profile that stand in place of those of the model card while it is switched on."""


def make_profile(
    films: Iterable[Film], *, judged: int, model: str, origin: str, by: str, at: datetime
) -> ProfileRecord:
    """Fit to the labelled `films` of `judged`. Raises TooFewFilms.

    `origin` is service or archive.
    """
    films = list(films)
    return describe_fit(
        fit_local(films), films, judged=judged, model=model, origin=origin, by=by, at=at
    )


def describe_fit(
    local: Local,
    films: Iterable[Film],
    *,
    judged: int,
    model: str,
    origin: str,
    by: str,
    at: datetime,
) -> ProfileRecord:
    """The profile of a fit to `films`."""
    used = list_usable(films)
    days = sorted(film.sent[:10] for film in used)
    bases: dict[str, int] = {}
    for film in used:
        bases[film.basis] = bases.get(film.basis, 0) + 1
    figures, fit = local.figures, local.fit
    found: dict[str, Estimate | Share | None] = {
        "auc": figures.auc,
        "sensitivity": figures.sensitivity,
        "specificity": figures.specificity,
        "uncertain": figures.uncertain,
        "error": local.calibration.error,
        "model_error": local.before.error,
    }
    return ProfileRecord(
        model=model,
        intercept=fit.intercept,
        slope=fit.slope,
        threshold=fit.threshold,
        uncertain=[fit.low, fit.high],
        basis=FilmsRecord(
            origin=origin,
            judged=judged,
            films=figures.films,
            ill=figures.ill,
            patients_ill=figures.patients_ill,
            patients_healthy=figures.patients_healthy,
            bases=bases,
            first=days[0],
            last=days[-1],
        ),
        figures={name: _list(each) for name, each in found.items()},
        by=by,
        at=write_time(at),
    )


def _list(each: Estimate | Share | None) -> list[float]:
    """Value, low and high; a fit has films of both classes, so each figure is there."""
    middle = each.share if isinstance(each, Share) else each.value if each else None
    if each is None or middle is None or each.low is None or each.high is None:
        raise ValueError("a fit without one of its figures")
    return [round(number, 6) for number in (middle, each.low, each.high)]


def read_figures(profile: ProfileRecord) -> Mapping[str, Estimate]:
    """What the profile promises, in place of the model card."""
    return {name: Estimate(*profile.figures[name]) for name in CARD_NAMES}
