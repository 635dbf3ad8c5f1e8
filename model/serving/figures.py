"""The figures that an artifact records of its own quality: their types, and a check of their form.

They are read from JSON and passed on as JSON, so they are typed dictionaries and not objects.
"""

import math
from collections.abc import Iterable, Iterator
from typing import TypedDict, cast

Interval = list[float]
"""[value, low, high]: a figure with its 95 % interval."""

INTERVALS = ("accuracy", "auc_pr", "auc_roc", "brier", "ece", "sensitivity", "specificity")


class Confusion(TypedDict):
    """Counts of X-rays by label and decision."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


class SplitScores(TypedDict):
    """The figures of one split; see INTERVALS."""

    images: int
    patients: int
    confusion: Confusion
    accuracy: Interval
    auc_pr: Interval
    auc_roc: Interval
    brier: Interval
    ece: Interval
    sensitivity: Interval
    specificity: Interval


class Refusals(TypedDict):
    """How many images of a set are refused as no chest X-ray, also as a share, or doubted."""

    images: int
    refused: int
    share: float
    doubted: int


class Scores(TypedDict):
    """Figures by split, and `ood`, what is refused of each named set of images."""

    test: SplitScores
    validation: SplitScores
    ood: dict[str, Refusals]


class WrongFigures(ValueError):
    """Figures that are missing, not finite or of another type; the message lists their names."""


def parse_scores(values: object) -> Scores:
    """Check figures as they come from JSON or from an evaluation. Raises WrongFigures."""
    if wrong := list(_find_wrong(values)):
        raise WrongFigures(", ".join(wrong))
    return cast("Scores", values)


def _find_wrong(values: object) -> Iterator[str]:
    """Names of wrong figures, with dots; more figures than those known are accepted."""
    if not isinstance(values, dict) or not is_finite(values):
        yield "scores"
        return
    for split in ("test", "validation"):
        part = values.get(split)
        if not isinstance(part, dict):
            yield f"scores.{split}"
            continue
        for name in INTERVALS:
            if not _is_interval(part.get(name)):
                yield f"scores.{split}.{name}"
        for name in ("images", "patients"):
            if not _is_count(part.get(name)):
                yield f"scores.{split}.{name}"
        if not _are_counts(part.get("confusion"), Confusion.__annotations__):
            yield f"scores.{split}.confusion"
    sets = values.get("ood")
    if not isinstance(sets, dict):
        yield "scores.ood"
        return
    for name, refusals in sets.items():
        counts = ("images", "refused", "doubted")
        if not _are_counts(refusals, counts) or not is_number(refusals.get("share")):
            yield f"scores.ood.{name}"


def is_number(value: object) -> bool:
    """Whether it is a finite number; True and False, which are numbers in Python, do not count."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_interval(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3 and all(map(is_number, value))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_counts(values: object, names: Iterable[str]) -> bool:
    return isinstance(values, dict) and all(_is_count(values.get(name)) for name in names)


def is_finite(value: object) -> bool:
    """Whether every number in nested JSON is finite; 1e999, for example, is read as infinity."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, list):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
