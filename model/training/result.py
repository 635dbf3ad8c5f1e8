"""What a training run leaves: weights, threshold, calibration, refusals, figures and plots."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from model.evaluation import plots
from model.evaluation import scores as evaluation
from model.evaluation.card import ABLATIONS_NAME, PICTURES, REPORT_NAME, write_card
from model.network.conversion import record_golden
from model.network.gradcam import build_feature_network, build_serving_network
from model.network.graph import load_network, save_weights_compact
from model.reading.labels import CLASSES
from model.reading.xray import XrayImage, model_input
from model.serving.artifact import (
    METADATA_NAME,
    OOD_NAME,
    WEIGHTS_NAME,
    Artifact,
    OodLimits,
    sha256_of,
    write_metadata,
)
from model.serving.density import FeatureDensity, write_density
from model.serving.figures import parse_scores
from model.training.augmentation import augment_all
from model.training.preflight import RefusalPictures
from model.training.refusal import Features, Pictures, count_refused, fit_refusal, fitting_half
from model.training.splits import Split

DENSITY_STRIDE = 3
"""One in so many training X-rays, as served, and as many others in augmented views, are fitted:
some 3,000 are plenty, and the views keep it from refusing a sharper or softer scan."""

DENSITY_SEED = 2040


def write_artifact(
    network: keras.Model,
    training: Split,
    validation: Split,
    test: Split,
    beside: RefusalPictures,
    training_record: dict[str, Any],
    arguments: argparse.Namespace,
) -> Artifact:
    """Write everything to `arguments.out`, in the place of an earlier artifact and its report.

    Threshold, calibration and the limits of what is refused are chosen on `validation` as serving
    sees it; test chooses nothing.
    """
    out = arguments.out
    (out / METADATA_NAME).unlink(missing_ok=True)  # written last: without it nothing is an artifact
    for leftover in find_leftovers(out):
        leftover.unlink()
    save_weights_compact(network, out / WEIGHTS_NAME)
    # What is judged is what was saved.
    saved = load_network(out / WEIGHTS_NAME)
    density, limits, refused = fit_density_of_run(saved, training, validation, test, beside)
    write_density(out, density)
    serving = build_serving_network(saved, density)
    record_golden(serving, out)

    def judge(images: np.ndarray) -> dict[str, np.ndarray]:
        return serving.predict(images.astype(np.float32), batch_size=32, verbose=0)

    checked = judge(as_served(validation.images))
    calibration = evaluation.fit_calibration(checked["logit"][:, 0], validation.labels)
    probabilities = evaluation.calibrate(checked["logit"][:, 0], calibration)
    threshold = evaluation.choose_threshold(probabilities, validation.labels, arguments.sensitivity)
    peaks = checked["heatmap"].max(axis=(1, 2))[validation.labels == 1]
    tested = evaluation.calibrate(judge(test.images)["logit"][:, 0], calibration)
    figures = evaluation.evaluate(test.labels, tested, threshold, test.patients, arguments.seed)
    scores = {
        "validation": evaluation.score_predictions(
            validation.labels, probabilities, threshold, validation.patients, arguments.seed
        ),
        "test": figures["scores"],
        "ood": refused,
    }
    plots.plot_evaluation(figures, out / "evaluation.png")
    plots.plot_training(training_record["history"], out / "training.png")
    artifact = Artifact(
        classes=CLASSES,
        input_side=arguments.side,
        threshold=threshold,
        calibration=calibration,
        heatmap_reference=float(np.median(peaks)),
        ood=limits,
        scores=parse_scores(scores),
        training=training_record,
        weights_sha256=sha256_of(out / WEIGHTS_NAME),
        ood_sha256=sha256_of(out / OOD_NAME),
    )
    write_card(out, artifact)
    write_metadata(out, artifact)
    print(json.dumps(scores, indent=2))
    return artifact


def fit_density_of_run(
    network: keras.Model,
    training: Split,
    validation: Split,
    test: Split,
    beside: RefusalPictures,
) -> tuple[FeatureDensity, OodLimits, dict[str, dict[str, Any]]]:
    """Density, limits, and what they refuse of each set that is there."""
    features = build_feature_network(network)

    def extract(images: np.ndarray) -> np.ndarray:
        return features.predict(images.astype(np.float32), batch_size=32, verbose=0)

    other = _measure(beside.other, extract)
    density, limits = fit_refusal(
        np.concatenate(
            [
                extract(as_served(training.images[::DENSITY_STRIDE])),
                extract(augment_all(training.images[1::DENSITY_STRIDE], DENSITY_SEED, False)),
            ]
        ),
        extract(as_served(validation.images)),
        extract(augment_all(validation.images, DENSITY_SEED, False)),
        other,
    )
    refused = {"official test": count_refused(density, limits, extract(test.images))}
    if other:
        half = fitting_half(other)
        for name, mask in (("used", half), ("not used", ~half)):
            refused[f"X-rays of other origin, half {name} in the fit"] = count_refused(
                density, limits, other.values[mask]
            )
    if strange := _measure(beside.strange, extract):
        refused["images that are no chest X-rays, none used in the fit"] = count_refused(
            density, limits, strange.values, strange.unreadable
        )
    return density, limits, refused


def as_served(images: np.ndarray) -> np.ndarray:
    """Whole images (N, S, S, 1) uint8 as `model_input` shows them to the network."""
    side = images.shape[1]
    return np.stack(
        [model_input(XrayImage(image[..., 0], side, side, ()), side) for image in images]
    )


def find_leftovers(out: Path) -> list[Path]:
    """What a report said of an earlier artifact in `out`; of the next one it says nothing."""
    names = (REPORT_NAME, ABLATIONS_NAME, *PICTURES)
    return [out / name for name in names if (out / name).is_file()]


def _measure(
    pictures: Pictures | None, extract: Callable[[np.ndarray], np.ndarray]
) -> Features | None:
    if pictures is None:
        return None
    return Features(extract(pictures.images), pictures.names, pictures.unreadable)
