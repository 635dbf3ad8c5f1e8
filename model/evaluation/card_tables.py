"""Figures and tables of the model card, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from model.evaluation.bootstrap import Estimate
from model.evaluation.calibration import UNCERTAIN_SHARE
from model.evaluation.evaluate import PREVALENCES, OperatingPoint
from model.reading.ages import AgeBand
from model.serving.finding import UncertainBand

NOT_MEASURED = "Not measured."
NAMES = {
    "auc_roc": "AUC (ROC)",
    "auc_pr": "AUC (precision-recall)",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ece": "ECE",
    "brier": "Brier score",
    "auc_change": "change of AUC",
    "decisions_changed": "decisions changed",
    "bce": "binary cross-entropy",
    "focal": "focal loss",
    "adam": "Adam",
    "sgd": "SGD",
    "nadam": "Nadam",
    "adadelta": "Adadelta",
    "bacteria": "bacterial",
    "virus": "viral",
    "normal": "opacity against normal",
    "other": "opacity against other abnormal",
    "differ": "decision, finding, refusal or warning differs",
    "differ_alone": "would differ without",
    "furthest": "furthest such decision from the threshold",
    "logit": "largest difference: logit",
    "ood": "distance in units of its limit",
    "heatmap": "cell of the heat map",
    "auc_float32": "AUC in float32",
    "auc": "AUC as served",
}

Figure = Estimate | Sequence[float | None] | float | None
"""An estimate, also as the list that it is in JSON, a count or a number."""


def show(figure: Figure | str) -> str:
    """A figure as people read it: `0.976 (0.965 to 0.986)`, a count, or a dash; text as it is."""
    if isinstance(figure, str):
        return figure
    if isinstance(figure, list | tuple):
        value, low, high = figure
        return "-" if value is None else f"{value:z.3f} ({low:z.3f} to {high:z.3f})"
    if figure is None:
        return "-"
    return f"{figure:z.3f}" if isinstance(figure, float) else str(figure)


def percent(share: float) -> str:
    """A share to three digits, such as `62.5 %`."""
    return f"{100 * share:.3g} %"


def show_name(key: str) -> str:
    """The name of a figure, from its key in JSON."""
    return NAMES.get(key, key.replace("_", " "))


def make_table(heading: str, rows: Mapping[str, Mapping[str, Any]] | None) -> str:
    """One row for each name, one column for each figure that any row has."""
    if not rows:
        return NOT_MEASURED
    columns = list(
        dict.fromkeys(
            key
            for row in rows.values()
            for key, value in row.items()
            if not isinstance(value, dict)
        )
    )
    lines = [
        [heading, *(show_name(key) for key in columns)],
        ["---"] * (len(columns) + 1),
        *(
            [NAMES.get(name, name), *(show(row.get(key)) for key in columns)]
            for name, row in rows.items()
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def list_figures(heading: str, figures: Mapping[str, Figure] | None) -> str:
    """A sentence that lists figures by name."""
    if not figures:
        return f"{heading}: not measured."
    shown = [f"{show_name(key)} {show(figure)}" for key, figure in figures.items()]
    return f"{heading}: {', '.join(shown)}."


def show_band(band: UncertainBand | None) -> str:
    """The rule of the uncertain band, and the probabilities that it gave."""
    if band is None:
        return "This version has none: no result is uncertain."
    return (
        f"From the highest threshold that detects {UNCERTAIN_SHARE:.0%} of the validation "
        f"pneumonias to the lowest that calls {UNCERTAIN_SHARE:.0%} of the validation normals "
        f"normal: probabilities from {band.low:.3f} to below {band.high:.3f}."
    )


def show_ages(band: AgeBand | None) -> str:
    """For which ages a result is shown."""
    if band is None:
        return (
            "This version does not state the ages that it is for, so no patient's age is checked."
        )
    return (
        f"The model is valid for ages {band.youngest} to {band.oldest}, in completed years: "
        "where a DICOM gives another age, the X-ray is out of scope, and its result is shown "
        "on demand only; most files give none."
    )


def show_predictive_values(stored: OperatingPoint) -> str:
    """PPV and NPV at the stored threshold, by prevalence."""
    lines = [
        "| prevalence | of those called pneumonia, ill (PPV) | "
        "of those called normal, healthy (NPV) |",
        "|---|---|---|",
    ]
    for prevalence in PREVALENCES:
        key = f"{prevalence:g}"
        lines.append(
            f"| {100 * prevalence:g} % | {show(stored.ppv[key])} | {show(stored.npv[key])} |"
        )
    return "\n".join(lines)


def show_points(points: Sequence[OperatingPoint], stored: OperatingPoint) -> str:
    """Every operating point, the stored one in bold."""
    keys = [f"{prevalence:g}" for prevalence in PREVALENCES]
    head = [
        f"{name}, {100 * prevalence:g} %" for prevalence in PREVALENCES for name in ("PPV", "NPV")
    ]
    lines = [
        f"| threshold | sensitivity | specificity | {' | '.join(head)} |",
        "|---" * (3 + len(head)) + "|",
    ]
    for point in points:
        name = f"{point.threshold:.3g}"
        cells = [f"**{name}**, stored" if point is stored else name]
        cells += [show(point.sensitivity), show(point.specificity)]
        cells += [show(side[key].value) for key in keys for side in (point.ppv, point.npv)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def show_trade(stored: OperatingPoint, strict: OperatingPoint) -> str:
    """Both errors of two thresholds among 1,000 children of whom 200 are ill."""

    def count(point: OperatingPoint) -> tuple[int, int]:
        missed = 1 - (point.sensitivity.value or 0)
        alarms = 1 - (point.specificity.value or 0)
        return round(200 * missed), round(800 * alarms)

    missed, alarms = count(stored)
    missed_strict, alarms_strict = count(strict)
    return (
        f"At the test's rates, of 1,000 children of whom 200 are ill, it misses {missed} and "
        f"calls {alarms} healthy ones ill; a threshold of {strict.threshold:.3g} would miss "
        f"{missed_strict} and call {alarms_strict}."
    )
