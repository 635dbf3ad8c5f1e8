"""The model card of one artifact, written from its metadata and its report.

    python -m model.evaluation.card --artifact model/artifact --report var/evaluation

puts the report and its pictures (never the gallery) beside the weights and writes MODEL_CARD.md.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from model.evaluation.card_text import CARD
from model.evaluation.scores import PREVALENCES
from model.serving.artifact import Artifact, ArtifactError, read_artifact

CARD_NAME = "MODEL_CARD.md"
REPORT_NAME = "report.json"
ABLATIONS_NAME = "ablations.json"
PICTURES = ("evaluation.png", "auc.png", "training.png")

SCORES: Final = ("auc_roc", "auc_pr", "accuracy", "sensitivity", "specificity", "brier", "ece")
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
}


def write_card(folder: Path, artifact: Artifact) -> None:
    """Write MODEL_CARD.md beside the weights.

    Takes report.json and ablations.json from `folder` where they are, and says "Not measured" where
    they are not. `scores["ood"]` (a name, then figures) is optional too.
    Raises ArtifactError when the report is of another version.
    """
    report = _read_optional(folder / REPORT_NAME)
    if report and report["version"] != artifact.version:
        raise ArtifactError(
            f"{folder / REPORT_NAME} is of version {report['version']}, the artifact is "
            f"{artifact.version}; make a new one with `python -m model.evaluation.report`."
        )
    ablations = _read_optional(folder / ABLATIONS_NAME)
    scores, training = artifact.scores, artifact.training
    test, validation = scores["test"], scores["validation"]
    confusion, arguments = test["confusion"], training["arguments"]
    text = CARD.format(
        version=artifact.version,
        trained=training.get("trained_at", "date not recorded"),
        date=report.get("date", "not yet, by `python -m model.evaluation.report`"),
        resamples=report.get("resamples", "2000"),
        **training["images"],
        **{name: arguments[name] for name in ("epochs", "seed", "views", "consistency")},
        test=test["images"],
        side=artifact.input_side,
        dense=" and ".join(str(units) for units in arguments["dense"]),
        target=arguments["sensitivity"],
        commit=training["commit"],
        data=training["data_sha256"][:12],
        weights=artifact.weights_sha256[:12],
        initial_weights=training["initial_weights_sha256"][:12],
        versions=", ".join(f"{name} {v}" for name, v in training["versions"].items()),
        hardware=training.get("hardware", "not recorded"),
        loss=_table("loss", ablations.get("loss")),
        optimizer=_table("optimizer", ablations.get("optimizer")),
        scores="\n".join(
            f"| {NAMES[key]} | {show(test[key])} | {show(validation[key])} |" for key in SCORES
        ),
        threshold=artifact.threshold,
        ill=confusion["true_positive"] + confusion["false_negative"],
        normals=confusion["true_negative"] + confusion["false_positive"],
        **confusion,
        ood=_table("images", scores.get("ood")),
        heatmap=_list_figures("Heat maps on the official test", report.get("heatmap")),
        **_fill_report(report),
    )
    (folder / CARD_NAME).write_text(text)


def _fill_report(report: Mapping[str, Any]) -> dict[str, str]:
    """The parts of the card that only a report knows."""
    test, external = report.get("test", {}), report.get("external", {})
    points = test.get("operating_points", [])
    stored = next((p for p in points if p["threshold"] == test["threshold"]), None)
    unlabelled = external.get("unlabelled")
    baselines = report.get("baselines", {}).values()
    return {
        "ece_balanced": show(test["ece_balanced"]) if test else "not measured",
        "predictive_values": _show_predictive_values(stored),
        "trade": _show_trade(stored, points[-1]) if stored else "",
        "operating_points": _show_points(points, stored),
        "splits": _table("split", report.get("splits")),
        "subgroups": _table("pneumonias", test.get("subgroups")),
        "robustness": _table("change", test.get("robustness")),
        "sizes": _list_figures(
            "The training images that are there at original size too, against their copies of "
            "224 px (difference of the probability)",
            report.get("sizes"),
        ),
        "adults": _table("AUC on adults", external.get("adults")),
        "unlabelled": "Of {images} more adult images without a label, {pneumonia} were called "
        "pneumonia, {normal} normal, and {refused} were refused.".format(**unlabelled)
        if unlabelled
        else "Unlabelled adults: not measured.",
        "baselines": _table(
            "from", {b["name"]: {k: b[k] for k in ("images", "auc_roc")} for b in baselines}
        ),
    }


def show(figure: Any) -> str:
    """A figure as people read it: `0.976 (0.965 to 0.986)`, a count, or a dash."""
    if figure is None or (isinstance(figure, list) and figure[0] is None):
        return "-"
    if isinstance(figure, list):
        value, low, high = figure
        return f"{value:z.3f} ({low:z.3f} to {high:z.3f})"
    return f"{figure:z.3f}" if isinstance(figure, float) else str(figure)


def _table(heading: str, rows: Mapping[str, Mapping[str, Any]] | None) -> str:
    """A Markdown table: one row for each name, one column for each figure that any row has."""
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
        [heading, *(NAMES.get(key, key.replace("_", " ")) for key in columns)],
        ["---"] * (len(columns) + 1),
        *(
            [NAMES.get(name, name), *(show(row.get(key)) for key in columns)]
            for name, row in rows.items()
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list_figures(heading: str, figures: Mapping[str, Any] | None) -> str:
    if not figures:
        return f"{heading}: not measured."
    shown = [f"{NAMES.get(k, k.replace('_', ' '))} {show(v)}" for k, v in figures.items()]
    return f"{heading}: {', '.join(shown)}."


def _show_predictive_values(stored: Mapping[str, Any] | None) -> str:
    if stored is None:
        return NOT_MEASURED
    lines = [
        "| prevalence | of those called pneumonia, ill (PPV) | "
        "of those called normal, healthy (NPV) |",
        "|---|---|---|",
    ]
    for prevalence in PREVALENCES:
        key = f"{prevalence:g}"
        lines.append(
            f"| {100 * prevalence:g} % | {show(stored['ppv'][key])} | {show(stored['npv'][key])} |"
        )
    return "\n".join(lines)


def _show_points(points: Sequence[Mapping[str, Any]], stored: Mapping[str, Any] | None) -> str:
    if not points:
        return NOT_MEASURED
    keys = [f"{prevalence:g}" for prevalence in PREVALENCES]
    head = [
        f"{name}, {100 * prevalence:g} %" for prevalence in PREVALENCES for name in ("PPV", "NPV")
    ]
    lines = [
        f"| threshold | sensitivity | specificity | {' | '.join(head)} |",
        "|---" * (3 + len(head)) + "|",
    ]
    for point in points:
        name = f"{point['threshold']:.3g}"
        cells = [f"**{name}**, stored" if point is stored else name]
        cells += [show(point["sensitivity"]), show(point["specificity"])]
        cells += [show(point[side][key][0]) for key in keys for side in ("ppv", "npv")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _show_trade(stored: Mapping[str, Any], strict: Mapping[str, Any]) -> str:
    """What both errors come to among 1,000 children of whom 200 are ill."""

    def count(point: Mapping[str, Any]) -> tuple[int, int]:
        missed, alarms = 1 - point["sensitivity"][0], 1 - point["specificity"][0]
        return round(200 * missed), round(800 * alarms)

    missed, alarms = count(stored)
    missed_strict, alarms_strict = count(strict)
    return (
        f"By the test's rates, of 1,000 children of whom 200 are ill it misses {missed} and calls "
        f"{alarms} healthy ones ill; a threshold of {strict['threshold']:.3g} would miss "
        f"{missed_strict} and call {alarms_strict}."
    )


def _read_optional(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if file.is_file() else {}


def main(argv: Sequence[str] | None = None) -> int:
    """Publish a report with its artifact; what does not fit together is told in one line."""
    parser = argparse.ArgumentParser(description="Write the model card of an artifact.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--report", type=Path, help="folder of `python -m model.evaluation.report`")
    arguments = parser.parse_args(argv)
    try:
        artifact = read_artifact(arguments.artifact)
        for name in (REPORT_NAME, *PICTURES) if arguments.report else ():
            shutil.copyfile(arguments.report / name, arguments.artifact / name)
        write_card(arguments.artifact, artifact)
    except (ArtifactError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
