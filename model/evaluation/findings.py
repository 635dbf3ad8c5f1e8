"""Measure what each finding is worth, and write it beside the artifact.

    python -m model.evaluation.findings --data ../shared/data/kermany224

The likelihood ratio of a finding is its share among the ill divided by its share among the others
(Deeks and Altman 2004, BMJ 329:168). Unlike a predictive value it does not depend on how many of
the patients are ill, so a site can use it with its own prevalence (`pneumonia_api.worth`). About
600 inferences on the official test in float32, a minute on two cores; writes findings.json.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.evaluation.bootstrap import RESAMPLES
from model.evaluation.external import predict_xrays
from model.evaluation.scores import Predictions
from model.reading import dataset as data
from model.serving.artifact import Artifact, ArtifactError
from model.serving.finding import FINDINGS, find
from model.serving.predictor import Predictor
from model.serving.ratios import FindingRatios, write_ratios


def measure_ratios(
    artifact: Artifact, predictions: Predictions, seed: int, resamples: int = RESAMPLES
) -> FindingRatios:
    """The ratios with intervals from a bootstrap that draws patients.

    To each count half an image is added (Haldane 1956, Ann. Hum. Genet. 20:309): of the ill few or
    none are below the band, and a ratio of 0 would claim that nobody ever is.
    """
    found = [
        find(each, artifact.threshold, artifact.uncertain) for each in predictions.probabilities
    ]
    findings, labels = np.array(found), predictions.labels
    draws = predictions.draw(seed, resamples)
    ratios: dict[str, list[float]] = {}
    for name in FINDINGS:
        has = findings == name
        sampled = [_divide(has[drawn], labels[drawn]) for drawn in draws]
        low, high = np.percentile(sampled, (2.5, 97.5))
        ratios[name] = [round(float(each), 4) for each in (_divide(has, labels), low, high)]
    patients = len(set(predictions.patients))
    return FindingRatios(artifact.version, len(labels), patients, ratios)


def _divide(has: np.ndarray, labels: np.ndarray) -> float:
    """The likelihood ratio of what `has` marks, both (N,)."""
    ill, others = (
        (has[labels == label].sum() + 0.5) / ((labels == label).sum() + 1) for label in (1, 0)
    )
    return float(ill / others)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; missing inputs are printed as one line."""
    parser = argparse.ArgumentParser(description="Measure what each finding is worth.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    parser.add_argument("--data", type=Path, required=True, help="folder with test/")
    arguments = parser.parse_args(argv)
    try:
        predictor = Predictor(arguments.artifact, arguments.serving, precision="float32")
        predictions, _ = predict_xrays(predictor, data.list_xrays(arguments.data / "test"))
    except (ArtifactError, data.DataError) as error:
        print(error, file=sys.stderr)
        return 1
    seed = predictor.artifact.training["arguments"]["seed"]
    measured = measure_ratios(predictor.artifact, predictions, seed)
    write_ratios(measured, arguments.artifact)
    for name, (value, low, high) in measured.ratios.items():
        print(f"{name}: {value} ({low} to {high})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
