"""What the served artifact makes of image files, and of those from elsewhere in particular."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluation import scores as evaluation
from model.evaluation.bootstrap import draw_patients, estimate
from model.reading.xray import UnreadableXray, XrayImage, model_input, read_xray
from model.serving.predictor import Predictor


def judge_files(
    predictor: Predictor,
    paths: Sequence[Path],
    change: Callable[[XrayImage], XrayImage] | None = None,
    *,
    refusing: bool = False,
) -> np.ndarray:
    """Calibrated probabilities (N,) of image files, after `change` when given.

    NaN for what cannot be read and, when `refusing`, for what serving would refuse.
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
    return evaluation.calibrate(np.array(logits), artifact.calibration)


def measure_adults(predictor: Predictor, folder: Path, resamples: int) -> dict[str, Any]:
    """AUC on the NIH adults of the class Lung Opacity, against the normal and the other ones."""
    artifact = predictor.artifact
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    probabilities = judge_files(predictor, [folder / "images" / row["file"] for row in rows])
    classes = np.array([row["rsna_class"] for row in rows])
    opacity = classes == "Lung Opacity"
    figures: dict[str, Any] = {}
    for name, other in (("normal", "Normal"), ("other", "No Lung Opacity / Not Normal")):
        kept = np.flatnonzero((opacity | (classes == other)) & ~np.isnan(probabilities))
        labels = opacity[kept].astype(int)
        patients = [rows[i]["patient_id"] for i in kept]
        draws = draw_patients(labels, patients, artifact.training["arguments"]["seed"], resamples)
        metrics = evaluation.rank_metrics(labels, probabilities[kept], artifact.threshold)
        figures[name] = {
            "images": {"opacity": int(labels.sum()), name: int((labels == 0).sum())},
            "patients": len(set(patients)),
            **estimate(metrics, len(kept), draws),
        }
    return figures


def measure_unlabelled(predictor: Predictor, paths: Sequence[Path]) -> dict[str, int]:
    """How many images are called pneumonia, called normal, and refused."""
    probabilities = judge_files(predictor, paths, refusing=True)
    refused = int(np.isnan(probabilities).sum())
    called = int((probabilities >= predictor.artifact.threshold).sum())
    return {
        "images": len(paths),
        "pneumonia": called,
        "normal": len(paths) - called - refused,
        "refused": refused,
    }


def measure_sizes(predictor: Predictor, originals: Path, small: Path) -> dict[str, Any] | None:
    """What size an image comes in changes: originals against the same X-rays at 224 px."""
    large = [path for path in sorted(originals.glob("*/*")) if path.is_file()]
    pairs = [(path, small / path.parent.name / path.name) for path in large]
    pairs = [pair for pair in pairs if pair[1].is_file()]
    if not pairs:
        return None
    before, after = (judge_files(predictor, paths) for paths in zip(*pairs, strict=True))
    threshold = predictor.artifact.threshold
    return {
        "images": len(pairs),
        "decisions_changed": int(((before >= threshold) != (after >= threshold)).sum()),
        "median_difference": round(float(np.median(np.abs(before - after))), 4),
        "largest_difference": round(float(np.abs(before - after).max()), 4),
    }
