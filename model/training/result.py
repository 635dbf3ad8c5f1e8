"""Write the artifact of a training run: weights, thresholds, refusals, scores, plots, card."""

import json
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from model.evaluation.calibration import (
    calibrate,
    choose_threshold,
    choose_uncertain,
    fit_calibration,
)
from model.evaluation.card import PLOTS, write_card
from model.evaluation.evaluate import evaluate
from model.evaluation.panels import plot_evaluation
from model.evaluation.plots import plot_training
from model.evaluation.results import RESULT_NAMES
from model.evaluation.scores import Predictions, score_predictions
from model.evaluation.sources import SOURCES_NAME, score_sources, write_sources
from model.network.conversion import record_golden
from model.network.gradcam import build_serving_network
from model.network.graph import load_network, save_weights_compact
from model.reading.labels import CLASSES
from model.serving.artifact import (
    METADATA_NAME,
    OOD_NAME,
    WEIGHTS_NAME,
    Artifact,
    sha256_of,
    write_metadata,
)
from model.serving.density import write_density
from model.serving.figures import parse_scores
from model.training.record import TrainingRecord
from model.training.refusal import fit_refusal
from model.training.refusal_images import RefusalImages
from model.training.settings import RunSettings
from model.training.splits import Splits, as_served


def write_artifact(
    network: keras.Model,
    splits: Splits,
    refusal_images: RefusalImages,
    record: TrainingRecord,
    settings: RunSettings,
) -> Artifact:
    """Write the artifact to `settings.out`, replacing an earlier one and its report.

    Threshold, uncertain band, calibration and the limits of the refusal are chosen on validation as
    served; the test set chooses nothing.
    """
    out, chosen = settings.out, settings.hyperparameters
    # Written last: a folder without metadata holds no artifact.
    (out / METADATA_NAME).unlink(missing_ok=True)
    for leftover in find_leftovers(out):
        leftover.unlink()
    save_weights_compact(network, out / WEIGHTS_NAME)
    saved = load_network(out / WEIGHTS_NAME)  # what is evaluated is what was saved
    refusal = fit_refusal(saved, splits, refusal_images)
    write_density(out, refusal.density)
    serving = build_serving_network(saved, refusal.density)
    record_golden(serving, out)

    def predict(images: np.ndarray) -> dict[str, np.ndarray]:
        return serving.predict(images.astype(np.float32), batch_size=32, verbose=0)

    validation, test = splits.validation, splits.test
    answers = predict(as_served(validation.images))
    calibration = fit_calibration(answers["logit"][:, 0], validation.labels)
    probabilities = calibrate(answers["logit"][:, 0], calibration)
    threshold = choose_threshold(probabilities, validation.labels, chosen.sensitivity)
    peaks = answers["heatmap"].max(axis=(1, 2))[validation.labels == 1]
    validated = Predictions(validation.labels, probabilities, validation.patients)
    tested = Predictions(
        test.labels, calibrate(predict(test.images)["logit"][:, 0], calibration), test.patients
    )
    evaluation = evaluate(tested, threshold, chosen.seed)
    scores = {
        "validation": asdict(score_predictions(validated, threshold, chosen.seed)),
        "test": asdict(evaluation.scores),
        "ood": {name: asdict(counts) for name, counts in refusal.counts.items()},
    }
    if len(set(validation.sources)) > 1:
        by_source = {
            "validation": score_sources(validated, validation.xrays, threshold, chosen.seed),
            "test": score_sources(tested, test.xrays, threshold, chosen.seed),
        }
        write_sources(out, by_source)
    plot_evaluation(evaluation, out / "evaluation.png")
    plot_training(record.history, out / "training.png")
    artifact = Artifact(
        classes=CLASSES,
        input_side=chosen.side,
        threshold=threshold,
        calibration=calibration,
        heatmap_reference=float(np.median(peaks)),
        ood=refusal.limits,
        scores=parse_scores(scores),
        training=asdict(record),
        weights_sha256=sha256_of(out / WEIGHTS_NAME),
        ood_sha256=sha256_of(out / OOD_NAME),
        ages=settings.ages,
        uncertain=choose_uncertain(probabilities, validation.labels, threshold),
    )
    write_card(out, artifact)
    write_metadata(out, artifact)
    print(json.dumps(scores, indent=2))
    return artifact


def find_leftovers(out: Path) -> list[Path]:
    """Files in `out` that a report left there, which is about an earlier artifact."""
    names = (*RESULT_NAMES, SOURCES_NAME, *PLOTS)
    return [out / name for name in names if (out / name).is_file()]
