"""The model card of one artifact, written from its metadata and its report.

    python -m model.evaluation.card --artifact model/artifact --report var/evaluation

copies the report and its plots, without the gallery, into the artifact and writes MODEL_CARD.md.
Without --report, the report that the artifact already has is used.
"""

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from model.evaluation.card_checks import show_coverage, show_groups, show_heatmap_checks
from model.evaluation.card_sources import (
    describe_data,
    describe_patients,
    describe_training,
    list_exclusions,
    show_older_children,
    show_shares,
)
from model.evaluation.card_tables import (
    NAMES,
    NOT_MEASURED,
    list_figures,
    make_table,
    percent,
    show,
    show_ages,
    show_band,
    show_points,
    show_predictive_values,
    show_trade,
)
from model.evaluation.card_text import CARD
from model.evaluation.precisions_file import PrecisionReport
from model.evaluation.report_file import REPORT_NAME, Report
from model.evaluation.results import Ablations, read_results
from model.evaluation.sets import list_training_sources
from model.reading.limits import MIN_SIDE
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from model.serving.precision import TOLERANCES

CARD_NAME = "MODEL_CARD.md"
PLOTS = ("evaluation.png", "auc.png", "training.png")
SCORES: Final = ("auc_roc", "auc_pr", "accuracy", "sensitivity", "specificity", "brier", "ece")

HEATMAPS = "Heat maps on the official test"
SIZES = (
    "The training images that are available at original size too, against their copies of 224 px "
    "(difference of the probability)"
)

Placeholders = dict[str, object]
"""What replaces the names in braces of CARD."""


def write_card(folder: Path, artifact: Artifact) -> None:
    """Write MODEL_CARD.md to `folder`, next to the weights.

    Figures whose file is missing, or of `scores["ood"]`, are "Not measured". Raises ArtifactError
    when a file is of another version or incomplete.
    """
    results = read_results(folder, artifact)
    report = results.report
    measured = _describe_report(report) if report else _describe_no_report()
    if groups := show_groups(results.coverage):
        measured["uncertain"] = groups
    text = CARD.format(
        **_describe_training(artifact, results.ablations),
        **_describe_scores(artifact),
        **measured,
        **_describe_precisions(results.precisions),
        coverage=show_coverage(results.coverage),
        heatmap_checks=show_heatmap_checks(results.heatmaps),
    )
    (folder / CARD_NAME).write_text(text)


def _describe_training(artifact: Artifact, ablations: Ablations) -> Placeholders:
    training = artifact.training
    arguments = training["arguments"]
    return {
        "version": artifact.version,
        "trained": training.get("trained_at", "date not recorded"),
        **training["images"],
        "seed": arguments["seed"],
        "data_text": describe_data(list_training_sources(artifact)),
        "patients": describe_patients(artifact.ages),
        "exclusions": list_exclusions(artifact.ages),
        "training_text": describe_training(training),
        "shares": show_shares(arguments.get("sensitivity_of") or {}),
        "side": artifact.input_side,
        "cells": artifact.input_side // 16,
        "least": MIN_SIDE,
        "target": arguments["sensitivity"],
        "commit": training["commit"],
        "data": training["data_sha256"][:12],
        "weights": artifact.weights_sha256[:12],
        "initial_weights": training["initial_weights_sha256"][:12],
        "versions": ", ".join(f"{name} {v}" for name, v in training["versions"].items()),
        "hardware": training.get("hardware", "not recorded"),
        "loss": make_table("loss", ablations.get("loss")),
        "optimizer": make_table("optimizer", ablations.get("optimizer")),
    }


def _describe_scores(artifact: Artifact) -> Placeholders:
    test, validation = artifact.scores["test"], artifact.scores["validation"]
    confusion = test["confusion"]
    ill = confusion["true_positive"] + confusion["false_negative"]
    return {
        "test": test["images"],
        "scores": "\n".join(
            f"| {NAMES[key]} | {show(test[key])} | {show(validation[key])} |" for key in SCORES
        ),
        "threshold": artifact.threshold,
        "band": show_band(artifact.uncertain),
        "ages": show_ages(artifact.ages),
        "ill": ill,
        "prevalence": percent(ill / test["images"]),
        "normals": confusion["true_negative"] + confusion["false_positive"],
        **confusion,
        "ood": make_table("images", artifact.scores.get("ood")),
    }


def _describe_report(report: Report) -> Placeholders:
    test, stored = report.test, report.test.stored_point
    unlabelled, adults = report.external.unlabelled, report.external.adults or {}
    return {
        "date": report.date,
        "resamples": report.resamples,
        "ece_balanced": show(test.ece_balanced),
        "predictive_values": show_predictive_values(stored),
        "trade": show_trade(stored, test.operating_points[-1]),
        "operating_points": show_points(test.operating_points, stored),
        "uncertain": make_table("split", _as_rows(report.uncertain or {})),
        "splits": make_table("split", _as_rows(report.splits)),
        "subgroups": make_table("pneumonias", _as_rows(test.subgroups)),
        "robustness": make_table("change", _as_rows(test.robustness)),
        "sizes": list_figures(SIZES, asdict(report.sizes) if report.sizes else None),
        "adults": make_table("adults", _as_rows(adults)),
        "held_out": make_table("group", _as_rows(report.external.held_out or {})),
        "older_children": show_older_children(report.external.older_children),
        "unlabelled": "Of {images} more adult images without a label, {pneumonia} were called "
        "pneumonia, {normal} normal, and {refused} were refused.".format(**asdict(unlabelled))
        if unlabelled
        else "Unlabelled adults: not measured.",
        "baselines": make_table(
            "from",
            {
                base.name: {"images": base.images, "auc_roc": base.auc_roc}
                for base in report.baselines.values()
            },
        ),
        "heatmap": list_figures(HEATMAPS, report.heatmap),
    }


def _describe_no_report() -> Placeholders:
    tables = (
        "predictive_values",
        "operating_points",
        "uncertain",
        "splits",
        "subgroups",
        "robustness",
    )
    return {
        "date": "not yet, by `python -m model.evaluation.report`",
        "resamples": "2000",
        "ece_balanced": "not measured",
        "trade": "",
        **dict.fromkeys((*tables, "adults", "held_out", "baselines"), NOT_MEASURED),
        "sizes": list_figures(SIZES, None),
        "unlabelled": "Unlabelled adults: not measured.",
        "older_children": show_older_children(None),
        "heatmap": list_figures(HEATMAPS, None),
    }


def _describe_precisions(report: PrecisionReport | None) -> Placeholders:
    tolerances = TOLERANCES["bfloat16"]
    allowed: Placeholders = {
        "tolerance_logit": f"{tolerances['logit'].absolute:g}",
        "tolerance_distance": percent(tolerances["distance"].relative),
        "tolerance_heatmap": f"{tolerances['heatmap'].absolute:g}",
    }
    if report is None:
        return {"precisions": NOT_MEASURED, "measured_on": "", **allowed}
    parts = [
        f"{name} against float32:\n\n{make_table('images of', _as_rows(sets))}"
        for name, sets in report.precisions.items()
    ]
    return {
        "precisions": "\n\n".join(parts),
        "measured_on": f"Measured on {report.processor}\nwith OpenVINO {report.openvino}:",
        **allowed,
    }


def _as_rows(figures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Dataclasses by name, as rows of a table."""
    return {name: asdict(row) for name, row in figures.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Write the card; files that are missing or do not belong together are printed as one line."""
    parser = argparse.ArgumentParser(description="Write the model card of an artifact.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--report", type=Path, help="folder of `python -m model.evaluation.report`")
    arguments = parser.parse_args(argv)
    try:
        artifact = read_artifact(arguments.artifact)
        for name in (REPORT_NAME, *PLOTS) if arguments.report else ():
            shutil.copyfile(arguments.report / name, arguments.artifact / name)
        write_card(arguments.artifact, artifact)
    except (ArtifactError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
