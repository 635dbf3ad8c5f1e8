"""Which probabilities leave both answers open, with a promise that holds for any sample size.

Split conformal prediction for each class by itself (Vovk 2012, "Conditional validity of inductive
conformal predictors"): an answer is possible for an X-ray unless its probability is more extreme
than those of nearly all validation X-rays with that answer. With both possible, or neither, the
finding is uncertain. Of the ill, at most the share `error` is then called *no pneumonia detected*,
and of the others at most `error` *pneumonia likely*: exactly and for any number of validation
patients, if a new patient is like them. For this loss of 0 or 1, conformal risk control
(Angelopoulos et al. 2022) is the same rule.

The films of one patient are not independent. So patients are counted, as in hierarchical conformal
prediction (Lee, Barber and Willett 2023): K patients have the weight 1 / (K + 1) each, shared
equally by their films, and the rest belongs to the new one. The promise is about a random film of a
new patient.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.evaluation.scores import Predictions
from model.serving.finding import UncertainBand

_ROUNDING = 1e-9
"""Sums of weights are of floating-point numbers; a share of 0.95 must count as 0.95."""


@dataclass(frozen=True)
class Promise:
    """At most these shares of new patients' films are called wrongly outside a band.

    `missed`: of the ill, called *no pneumonia detected*; `alarmed`: of the others, called
    *pneumonia likely*.
    """

    missed: float
    alarmed: float


def weigh_films(patients: Sequence[str]) -> np.ndarray:
    """(N,) weights of N films: 1 / (K + 1) for each of K patients, shared by their films."""
    films = Counter(patients)
    return np.array([1 / (len(films) + 1) / films[patient] for patient in patients])


def find_limit(scores: np.ndarray, patients: Sequence[str], error: float) -> float:
    """The least of N scores that a new patient's film exceeds with probability `error` at most.

    Infinity where there are too few patients for any promise: fewer than 1 / error - 1.
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weigh_films(patients)[order]) >= 1 - error - _ROUNDING
    return float(scores[order][np.argmax(reached)]) if reached.any() else float("inf")


def choose_band(validation: Predictions, error: float) -> UncertainBand | None:
    """The band outside which at most `error` of either class is called wrongly.

    None where a class has too few patients (`find_limit`). The lower end belongs to the band and
    the upper one does not, as in `model.serving.finding`.
    """
    ill = validation.labels == 1
    patients = np.asarray(validation.patients)
    probabilities = validation.probabilities
    lowest = -find_limit(-probabilities[ill], patients[ill].tolist(), error)
    highest = find_limit(probabilities[~ill], patients[~ill].tolist(), error)
    if not np.isfinite([lowest, highest]).all():
        return None
    above = float(np.nextafter(highest, 1))
    # Where the classes are so far apart that the limits cross, no answer is possible in between.
    return UncertainBand(min(lowest, above), max(lowest, above))


def find_promise(validation: Predictions, band: UncertainBand) -> Promise:
    """The least error that `choose_band` would have promised with the ends of this band.

    For a band that was chosen on the same films by another rule it is what they support, not exact.
    """
    ill = validation.labels == 1
    patients, probabilities = np.asarray(validation.patients), validation.probabilities
    kept = {
        "missed": (probabilities[ill] >= band.low, patients[ill]),
        "alarmed": (probabilities[~ill] < band.high, patients[~ill]),
    }
    return Promise(
        **{
            name: round(1 - float(weigh_films(group.tolist())[right].sum()), 4)
            for name, (right, group) in kept.items()
        }
    )
