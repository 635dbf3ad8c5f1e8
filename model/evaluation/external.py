"""Predictions for image files, and figures of sets that are not the official test."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.evaluation.bootstrap import Estimate, estimate
from model.evaluation.calibration import calibrate
from model.evaluation.scores import Predictions, balanced_calibration_error, rank_metrics
from model.reading.dataset import KERMANY, LabelledXray
from model.reading.xray import UnreadableXray, XrayImage, model_input, read_xray
from model.serving.predictor import Predictor

Group = tuple[Predictions, list[LabelledXray]]


@dataclass(frozen=True)
class AdultScores:
    """Scores of adults with an opacity against others; `images` counts both classes by name."""

    images: dict[str, int]
    patients: int
    auc_roc: Estimate
    sensitivity: Estimate
    specificity: Estimate
    ece_balanced: Estimate


@dataclass(frozen=True)
class DecisionCounts:
    """What was decided on unlabelled images."""

    images: int
    pneumonia: int
    normal: int
    refused: int


@dataclass(frozen=True)
class SizeComparison:
    """Originals against their copies at 224 px; differences are of the probability."""

    images: int
    decisions_changed: int
    median_difference: float
    largest_difference: float


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    change: Callable[[XrayImage], XrayImage] | None = None,
    *,
    refusing: bool = False,
) -> np.ndarray:
    """Calibrated probabilities (N,) of image files, after `change` if given.

    NaN for files that cannot be read and, when `refusing`, for those that serving would refuse.
    """
    logits = []
    artifact = predictor.artifact
    for path in paths:
        try:
            xray = read_xray(path.read_bytes())
        except UnreadableXray:
            logits.append(np.nan)
            continue
        image = model_input(change(xray) if change else xray, artifact.input_side)
        output = predictor.infer(image)
        refused = refusing and output.distance > artifact.ood.limit
        logits.append(np.nan if refused else output.logit)
    return calibrate(np.array(logits), artifact.calibration)


def predict_xrays(predictor: Predictor, xrays: Sequence[LabelledXray]) -> Group:
    """The calibrated predictions of the X-rays that can be read, and these X-rays."""
    probabilities = predict_files(predictor, [xray.path for xray in xrays])
    kept = [xray for xray, p in zip(xrays, probabilities, strict=True) if not np.isnan(p)]
    predictions = Predictions(
        np.array([xray.label for xray in kept]),
        probabilities[~np.isnan(probabilities)],
        # Two sources may give two people the same id.
        [x.patient if x.source == KERMANY else "/".join(x.person) for x in kept],
    )
    return predictions, kept


def measure_adults(predictor: Predictor, folder: Path, resamples: int) -> dict[str, AdultScores]:
    """Scores of the NIH adults of the class Lung Opacity, against `normal` and `other` ones."""
    artifact = predictor.artifact
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    probabilities = predict_files(predictor, [folder / "images" / row["file"] for row in rows])
    classes = np.array([row["rsna_class"] for row in rows])
    opacity = classes == "Lung Opacity"
    seed = artifact.training["arguments"]["seed"]
    found = {}
    for name, other in (("normal", "Normal"), ("other", "No Lung Opacity / Not Normal")):
        kept = np.flatnonzero((opacity | (classes == other)) & ~np.isnan(probabilities))
        labels = opacity[kept].astype(int)
        patients = [rows[i]["patient_id"] for i in kept]
        predictions = Predictions(labels, probabilities[kept], patients)
        metrics = rank_metrics(predictions, artifact.threshold) | {
            "ece_balanced": lambda i, of=predictions: balanced_calibration_error(
                of.labels[i], of.probabilities[i]
            )
        }
        found[name] = AdultScores(
            images={"opacity": int(labels.sum()), name: int((labels == 0).sum())},
            patients=len(set(patients)),
            **estimate(metrics, len(kept), predictions.draw(seed, resamples)),
        )
    return found


def measure_unlabelled(predictor: Predictor, paths: Sequence[Path]) -> DecisionCounts:
    """How many images are called pneumonia, called normal, and refused."""
    probabilities = predict_files(predictor, paths, refusing=True)
    refused = int(np.isnan(probabilities).sum())
    called = int((probabilities >= predictor.artifact.threshold).sum())
    return DecisionCounts(
        images=len(paths),
        pneumonia=called,
        normal=len(paths) - called - refused,
        refused=refused,
    )


def measure_sizes(predictor: Predictor, originals: Path, small: Path) -> SizeComparison | None:
    """Compare originals with the same X-rays at 224 px; None where no pair is found."""
    large = [path for path in sorted(originals.glob("*/*")) if path.is_file()]
    pairs = [(path, small / path.parent.name / path.name) for path in large]
    pairs = [pair for pair in pairs if pair[1].is_file()]
    if not pairs:
        return None
    before, after = (predict_files(predictor, paths) for paths in zip(*pairs, strict=True))
    threshold = predictor.artifact.threshold
    return SizeComparison(
        images=len(pairs),
        decisions_changed=int(((before >= threshold) != (after >= threshold)).sum()),
        median_difference=round(float(np.median(np.abs(before - after))), 4),
        largest_difference=round(float(np.abs(before - after).max()), 4),
    )
