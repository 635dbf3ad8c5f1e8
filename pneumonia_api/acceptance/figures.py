"""Discrimination on a hospital's own films, with 95 % intervals by patient.

In plain Python, because the process of the API, which answers the page, has no numpy.
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pneumonia_api.acceptance.films import Film
from pneumonia_api.intervals import Share, Z, estimate_share


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """What some films show. `auc` is None without an ill and a healthy patient.

    `patients_ill` and `patients_healthy` are patients with at least one such film; somebody who
    fell ill between two films is in both.
    """

    films: int
    ill: int
    patients_ill: int
    patients_healthy: int
    auc: Estimate | None
    sensitivity: Share
    specificity: Share
    uncertain: Share


def measure(films: Sequence[Film]) -> Figures:
    """The figures of any number of films."""
    ill = [film for film in films if film.ill]
    healthy = [film for film in films if not film.ill]
    return Figures(
        films=len(films),
        ill=len(ill),
        patients_ill=count_patients(ill),
        patients_healthy=count_patients(healthy),
        auc=estimate_auc(films),
        sensitivity=share_by_patient(ill, lambda film: film.called),
        specificity=share_by_patient(healthy, lambda film: not film.called),
        uncertain=share_by_patient(films, lambda film: film.uncertain),
    )


def count_patients(films: Iterable[Film]) -> int:
    """How many different patients they are of."""
    return len({film.patient for film in films})


def share_by_patient(films: Iterable[Film], counts: Callable[[Film], bool]) -> Share:
    """The share of films that `counts`, with the interval by patient (`estimate_share`)."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for film in films:
        groups[film.patient].append(counts(film))
    return estimate_share((sum(each), len(each)) for each in groups.values())


def estimate_auc(films: Sequence[Film]) -> Estimate | None:
    """The area under the ROC curve with its interval; None if all or none are ill.

    The interval is Newcombe's (2006, Stat. Med. 25:559, method 5), which also holds at an area of
    1, for as many films as are worth as much: their number is divided by the ratio of the variance
    between patients (Obuchowski 1997, Biometrics 53:567) to that between films (DeLong et al.
    1988, Biometrics 44:837), never by less than 1.
    """
    ill = sorted(film.probability for film in films if film.ill)
    healthy = sorted(film.probability for film in films if not film.ill)
    if not ill or not healthy:
        return None
    placed = [(film, _place(film, ill, healthy)) for film in films]
    area = sum(place for film, place in placed if film.ill) / len(ill)
    single = _find_variance(list(enumerate(placed)), area)
    by_patient = _find_variance([(each[0].patient, each) for each in placed], area)
    effect = max(1.0, by_patient / single) if single and by_patient else 1.0
    return Estimate(area, *_find_newcombe(area, len(ill) / effect, len(healthy) / effect))


def _place(film: Film, ill: Sequence[float], healthy: Sequence[float]) -> float:
    """The share of the other class that the film is on the right side of; ties count half."""
    others = healthy if film.ill else ill
    left, right = (find(others, film.probability) for find in (bisect_left, bisect_right))
    below = (left + right) / 2 / len(others)
    return below if film.ill else 1 - below


Placed = tuple[object, tuple[Film, float]]


def _find_variance(placed: Sequence[Placed], area: float) -> float:
    """The variance of the area, where films with the same first item belong together.

    0 if there are not two groups of each class.
    """
    groups: dict[object, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for name, (film, place) in placed:
        group = groups[name]
        group[film.ill] += place - area
        group[2 + film.ill] += 1
    healthy_groups, ill_groups = (
        sum(1 for each in groups.values() if each[2 + label]) for label in (0, 1)
    )
    if min(healthy_groups, ill_groups) < 2:
        return 0.0
    healthy, ill = (sum(each[2 + label] for each in groups.values()) for label in (0, 1))
    count = len(groups)
    parts = [
        sum(each[a] * each[b] for each in groups.values()) for a, b in ((0, 0), (1, 1), (0, 1))
    ]
    return (
        healthy_groups / (healthy_groups - 1) * parts[0] / healthy**2
        + ill_groups / (ill_groups - 1) * parts[1] / ill**2
        + 2 * count / (count - 1) * parts[2] / (healthy * ill)
    )


def _find_newcombe(area: float, ill: float, healthy: float) -> tuple[float, float]:
    """The areas that are Z of their own standard errors from `area`, on either side."""
    half = (ill + healthy) / 2 - 1

    def distance(true: float) -> float:
        spread = 1 + half * (1 - true) / (2 - true) + half * true / (1 + true)
        return Z * math.sqrt(max(0.0, true * (1 - true) * spread / (ill * healthy)))

    low = _bisect(lambda true: true + distance(true) - area, 0.0, area)
    high = _bisect(lambda true: true - distance(true) - area, area, 1.0)
    return low, high


def _bisect(rises: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that is at most 0 at `low` and at least 0 at `high` crosses 0."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return (low + high) / 2


def group_by(films: Iterable[Film], name_of: Callable[[Film], str]) -> dict[str, Figures]:
    """The figures of each group, by its name."""
    groups: dict[str, list[Film]] = defaultdict(list)
    for film in films:
        groups[name_of(film)].append(film)
    return {name: measure(groups[name]) for name in sorted(groups)}


def compare(here: Estimate, card: Estimate) -> Estimate:
    """The figure here less that of the card, with its interval.

    Newcombe's method 10 (1998, Stat. Med. 17:873): the two distances to the ends, squared and
    added.
    """
    change = here.value - card.value
    return Estimate(
        change,
        change - math.hypot(here.value - here.low, card.high - card.value),
        change + math.hypot(here.high - here.value, card.value - card.low),
    )


def count_needed(share: float, width: float) -> int:
    """Patients for an interval `width` from end to end, by Wilson's, if the share stays as it is.

    Solved for the number in closed form: the width is that of a half of
    z sqrt(p (1 - p) / n + z^2 / 4 n^2) / (1 + z^2 / n).
    """
    # With x = z^2 / n, (width / 2)^2 (1 + x)^2 = x p (1 - p) + x^2 / 4 is quadratic in x.
    half, spread = (width / 2) ** 2, share * (1 - share)
    a, b, c = half - 0.25, 2 * half - spread, half
    x = (-b - math.sqrt(b * b - 4 * a * c)) / (2 * a)
    return math.ceil(Z**2 / x)
