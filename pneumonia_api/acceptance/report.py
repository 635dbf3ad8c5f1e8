"""Whether the model works in this hospital: everything that an acceptance shows, in one value."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pneumonia_api.acceptance.calibration import Calibration, measure_calibration
from pneumonia_api.acceptance.figures import (
    Estimate,
    Figures,
    compare,
    count_needed,
    group_by,
    measure,
)
from pneumonia_api.acceptance.films import Film
from pneumonia_api.acceptance.rule import Bounds, Verdict, decide
from pneumonia_api.acceptance.stopping import Bet, follow

WIDTHS = (0.2, 0.1, 0.05)
"""Of the intervals for which the report says how many patients are still needed."""

CARD_FIGURES = {"auc": "auc_roc", "sensitivity": "sensitivity", "specificity": "specificity"}
"""The names of this report and of the artifact."""


@dataclass(frozen=True)
class Compared:
    """A figure of the model card, and how this hospital's differs from it; None if unknown.

    While a site profile decides, `card` is what the profile promises.
    """

    card: Estimate
    change: Estimate | None


@dataclass(frozen=True)
class Needed:
    """Patients for an interval `width` wide: how many in all, and how many are missing."""

    width: float
    patients: int
    missing: int


@dataclass(frozen=True)
class Assessment:
    """What the films of a hospital show of the model `model`, with the site profile `profile`.

    `judged` are the films that could have a label, `labelled` those that do, `bases` what their
    labels rest on, and `withheld` those whose result no page shows: these count in `groups` of age
    alone. `overall`, `calibration` and the other `groups` are of the rest. `bets` are the stopping
    rule, without entries where films have no order in time.
    """

    model: str
    profile: str | None
    judged: int
    labelled: int
    withheld: int
    bases: dict[str, int]
    bounds: dict[str, Bounds]
    verdict: Verdict
    overall: Figures
    calibration: Calibration | None
    card: dict[str, Compared]
    needed: dict[str, list[Needed]]
    groups: dict[str, dict[str, Figures]]
    bets: dict[str, Bet]


def read_card(model: Mapping[str, Any]) -> dict[str, Estimate]:
    """The figures of the official test in the metadata of an artifact. Raises KeyError."""
    test = model["scores"]["test"]
    return {name: Estimate(*test[stored]) for name, stored in CARD_FIGURES.items()}


def assess(
    films: Sequence[Film],
    *,
    judged: int,
    model: str,
    promised: Mapping[str, Estimate],
    bounds: dict[str, Bounds],
    in_time: bool,
    profile: str | None = None,
) -> Assessment:
    """Assess the labelled `films`; `in_time` says whether their labels have times of their own.

    `promised` are the figures of the model card, or of the site profile if one decides.
    """
    shown = [film for film in films if film.shown]
    overall = measure(shown)
    bets = {}
    if in_time:
        bets = {n: follow(shown, n, each.expected, each.least) for n, each in bounds.items()}
    return Assessment(
        model=model,
        profile=profile,
        judged=judged,
        labelled=len(films),
        withheld=len(films) - len(shown),
        bases=dict(Counter(film.basis for film in films)),
        bounds=bounds,
        verdict=decide(overall, bounds, bets),
        overall=overall,
        calibration=measure_calibration(shown),
        card={name: _compare(overall, name, each) for name, each in promised.items()},
        needed={name: _find_needed(overall, name, each) for name, each in bounds.items()},
        groups={
            "age": group_by(films, lambda film: film.age),
            "view": group_by(shown, lambda film: film.view),
            "device": group_by(shown, lambda film: film.device),
            "source": group_by(shown, lambda film: film.source),
        },
        bets=bets,
    )


def find_estimate(figures: Figures, name: str) -> Estimate | None:
    """AUC, sensitivity or specificity of some films; None where they have none."""
    if name == "auc":
        return figures.auc
    share = figures.sensitivity if name == "sensitivity" else figures.specificity
    if share.share is None or share.low is None or share.high is None:
        return None
    return Estimate(share.share, share.low, share.high)


def _compare(overall: Figures, name: str, card: Estimate) -> Compared:
    here = find_estimate(overall, name)
    return Compared(card, compare(here, card) if here else None)


def _find_needed(overall: Figures, name: str, bounds: Bounds) -> list[Needed]:
    """By the share so far; without any by what is expected."""
    here = find_estimate(overall, name)
    share = here.value if here else bounds.expected
    has = overall.patients_ill if name == "sensitivity" else overall.patients_healthy
    numbers = {width: count_needed(share, width) for width in WIDTHS}
    return [Needed(width, each, max(0, each - has)) for width, each in numbers.items()]
