"""One report on an artifact: what it does on every set that is there, in figures and pictures.

    python -m model.evaluation.report --artifact model/artifact --data ../shared/data/kermany224 \
        --out var/evaluation

runs the artifact as the worker serves it and writes report.json, evaluation.png, auc.png and
training.png; `python -m model.evaluation.card` puts them beside the weights with the model card.
gallery/ holds the worst errors, which are pictures of patients and are never committed. Takes about
5,000 inferences, some minutes on two cores. Sets beside the data folder (nih_adults,
nih_unlabelled, kermany_originals) are measured where they are there. Ends with 1 when the figures
of the official test differ from those that the artifact keeps.
"""

import argparse
import datetime
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluation import plots
from model.evaluation import scores as evaluation
from model.evaluation.baselines import measure_baselines
from model.evaluation.bootstrap import RESAMPLES, draw_patients
from model.evaluation.external import judge_files, measure_adults, measure_sizes, measure_unlabelled
from model.evaluation.peaks import measure_peaks
from model.evaluation.robustness import CHANGES, compare_predictions
from model.reading import dataset as data
from model.reading.xray import model_input, read_xray
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from model.serving.predictor import Predictor

REPORT_NAME = "report.json"
WORST = 12
"""Errors of each kind in the gallery."""


def compare_scores(stored: Any, measured: Any, name: str = "") -> list[str]:
    """The names of figures that differ; counts must be equal, the rest within 0.0002.

    That is two steps of the last decimal kept: logits of two runtimes differ by 1e-5.
    """
    if isinstance(stored, Mapping):
        return [
            found
            for key in stored
            for found in compare_scores(stored[key], measured[key], f"{name} {key}")
        ]
    exact = isinstance(stored, int)
    same = stored == measured if exact else np.allclose(stored, measured, rtol=0, atol=2e-4)
    return [] if same else [name.strip()]


def measure_test(
    predictor: Predictor, xrays: Sequence[data.LabelledXray], resamples: int
) -> tuple[dict[str, Any], np.ndarray]:
    """All figures of the labelled test X-rays, and their probabilities (N,)."""
    artifact = predictor.artifact
    seed = artifact.training["arguments"]["seed"]
    labels = np.array([xray.label for xray in xrays])
    patients = [xray.patient for xray in xrays]
    paths = [xray.path for xray in xrays]
    probabilities = judge_files(predictor, paths)
    given = (labels, probabilities, artifact.threshold)
    groups = {
        name: np.array([patient.startswith(f"{name}-") for patient in patients])
        for name in ("bacteria", "virus")
    }
    groups = {name: mask for name, mask in groups.items() if mask.any()}
    draws = draw_patients(labels, patients, seed, resamples)
    figures = {
        **evaluation.evaluate(*given, patients, seed, resamples),
        "subgroups": evaluation.score_subgroups(*given, groups, patients, seed, resamples),
        "robustness": {
            name: compare_predictions(
                labels, probabilities, judge_files(predictor, paths, change), given[2], draws
            )
            for name, change in CHANGES.items()
        },
    }
    return figures, probabilities


def count_splits(
    artifact: Artifact, folder: Path, test: Sequence[data.LabelledXray]
) -> dict[str, dict[str, int]]:
    """Images, patients and pneumonias of each split, as the training run made it."""
    arguments = artifact.training["arguments"]
    train, validation = data.split_by_patient(
        data.list_xrays(folder / "train"), arguments["validation_share"], arguments["seed"]
    )
    return {
        name: {
            "images": len(xrays),
            "patients": len({xray.patient for xray in xrays}),
            "pneumonias": sum(xray.label for xray in xrays),
        }
        for name, xrays in (("training", train), ("validation", validation), ("test", test))
    }


def write_gallery(
    predictor: Predictor,
    xrays: Sequence[data.LabelledXray],
    probabilities: np.ndarray,
    folder: Path,
) -> None:
    """The missed pneumonias and the false alarms that the model was surest of, worst first."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = np.array([xray.label for xray in xrays])
    called = probabilities >= predictor.artifact.threshold
    for name, wrong, order in (
        ("missed", (labels == 1) & ~called, probabilities),
        ("false_alarms", (labels == 0) & called, -probabilities),
    ):
        errors = []
        for index in sorted(np.flatnonzero(wrong).tolist(), key=order.__getitem__)[:WORST]:
            xray = read_xray(xrays[index].path.read_bytes())
            errors.append(
                {
                    "pixels": xray.pixels,
                    "heatmap": predictor.predict(xray).heatmap,
                    "title": f"{xrays[index].patient}: {probabilities[index]:.3f}",
                }
            )
        plots.plot_gallery(errors, folder / f"{name}.png")


def list_auc(report: Mapping[str, Any]) -> list[tuple[str, list[float | None]]]:
    """Every AUC of a report with its name, for one picture."""
    test, external = report["test"], report["external"]
    rows = [("official test", test["scores"]["auc_roc"])]
    rows += [(f"  {name} against normal", f["auc_roc"]) for name, f in test["subgroups"].items()]
    rows += [(f"  {name}", f["auc_roc"]) for name, f in test["robustness"].items()]
    if external["adults"]:
        rows += [
            (f"NIH adults, opacity against {name}", f["auc_roc"])
            for name, f in external["adults"].items()
        ]
    for baseline in report["baselines"].values():
        rows.append((f"no model: {baseline['name']}", baseline["auc_roc"]))
    return rows


def write_report(
    predictor: Predictor, folder: Path, out: Path, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Measure everything, write `out`/report.json, the pictures and the gallery; return figures."""
    artifact = predictor.artifact
    out.mkdir(parents=True, exist_ok=True)
    xrays = data.list_xrays(folder / "test")
    _, xrays, _ = data.load_inputs(xrays, model_input)  # an unreadable file has no figures
    test, probabilities = measure_test(predictor, xrays, resamples)
    beside = folder.parent
    adults, unlabelled = beside / "nih_adults", beside / "nih_unlabelled" / "images"
    originals = beside / "kermany_originals"
    report = {
        "version": artifact.version,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "resamples": resamples,
        "splits": count_splits(artifact, folder, xrays),
        "test": test,
        "baselines": measure_baselines(folder, originals, resamples),
        "external": {
            "adults": measure_adults(predictor, adults, resamples) if adults.is_dir() else None,
            "unlabelled": measure_unlabelled(predictor, sorted(unlabelled.glob("*")))
            if unlabelled.is_dir()
            else None,
        },
        "sizes": measure_sizes(predictor, originals, folder / "train"),
        "heatmap": measure_peaks(
            predictor, [xray.path for xray in xrays], np.array([xray.label for xray in xrays])
        ),
    }
    (out / REPORT_NAME).write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
    plots.plot_evaluation(test, out / "evaluation.png")
    plots.plot_auc(list_auc(report), out / "auc.png")
    plots.plot_training(artifact.training["history"], out / "training.png")
    write_gallery(predictor, xrays, probabilities, out / "gallery")
    return report


def check_report(artifact: Artifact, report: Mapping[str, Any]) -> list[str]:
    """The names of the official test's figures that differ from those in `pneumonia.json`."""
    return compare_scores(artifact.scores["test"], report["test"]["scores"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run; what is missing, and figures that differ, are told in one line."""
    parser = argparse.ArgumentParser(description="Measure an artifact on every set that is there.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument("--out", type=Path, default=Path("var/evaluation"))
    arguments = parser.parse_args(argv)
    try:
        predictor = Predictor(arguments.artifact, arguments.serving)
        report = write_report(predictor, arguments.data, arguments.out)
    except (ArtifactError, data.DataError) as error:
        print(error, file=sys.stderr)
        return 1
    different = check_report(read_artifact(arguments.artifact), report)
    if different:
        print(f"Differs from pneumonia.json: {', '.join(different)}.", file=sys.stderr)
        return 1
    print(f"The report is in {arguments.out}; all figures agree with pneumonia.json.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
