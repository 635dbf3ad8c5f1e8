"""`model.evaluation`: figures that can be worked out by hand."""

import numpy as np
import pytest

from model.evaluation import (
    calibrate,
    choose_threshold,
    expected_calibration_error,
    fit_calibration,
    predictive_values,
    score_predictions,
    sigmoid,
)


def test_threshold_keeps_the_asked_sensitivity() -> None:
    """The highest threshold that still calls 90 % of the pneumonias."""
    probabilities = np.linspace(0.01, 1.0, 100)
    threshold = choose_threshold(probabilities, np.ones(100), 0.9)
    assert (probabilities >= threshold).mean() == pytest.approx(0.9)


def test_calibration_error_of_an_honest_and_a_boastful_model() -> None:
    """0 when seven in ten of the 0.7s are ill; 0.3 when all of them were called certain."""
    labels = np.array([1] * 7 + [0] * 3)
    assert expected_calibration_error(labels, np.full(10, 0.7)) == pytest.approx(0)
    assert expected_calibration_error(labels, np.full(10, 1.0)) == pytest.approx(0.3)


def test_calibration_never_sharpens_and_balances_the_classes() -> None:
    """Timid logits keep their scale; the mean probability of both classes together is one half."""
    random = np.random.default_rng(0)
    labels = (random.random(4000) < 0.75).astype(int)
    logits = np.where(labels == 1, 1.5, -0.5) + random.normal(0, 0.5, 4000)
    calibration = fit_calibration(logits, labels)
    assert calibration["scale"] == 1
    probabilities = calibrate(logits, calibration)
    means = [probabilities[labels == label].mean() for label in (0, 1)]
    assert np.mean(means) == pytest.approx(0.5, abs=1e-3)


def test_calibration_softens_a_boastful_network() -> None:
    """Logits four times too large are scaled back."""
    random = np.random.default_rng(0)
    honest = random.normal(0, 1.5, 20000)
    labels = (random.random(20000) < sigmoid(honest)).astype(int)
    assert fit_calibration(4 * honest, labels)["scale"] == pytest.approx(0.25, abs=0.02)


def test_predictive_values_depend_on_prevalence() -> None:
    """Bayes by hand: sensitivity 0.9, specificity 0.8, one in ten ill."""
    ppv, npv = predictive_values(0.9, 0.8, 0.1)
    assert ppv == pytest.approx(0.09 / 0.27)
    assert npv == pytest.approx(0.72 / 0.73)


def test_intervals_widen_when_images_share_patients() -> None:
    """Ten images of one child are not ten children."""
    random = np.random.default_rng(1)
    child = np.repeat(np.arange(40), 10)
    labels = np.repeat(np.arange(40) % 2, 10)
    probabilities = np.clip(
        0.5 + 0.2 * (labels - 0.5) + np.repeat(random.normal(0, 0.2, 40), 10), 0, 1
    )
    alone = score_predictions(labels, probabilities, 0.5, [str(i) for i in range(400)], 0, 300)
    together = score_predictions(labels, probabilities, 0.5, [str(c) for c in child], 0, 300)
    width = {n: s["auc_roc"][2] - s["auc_roc"][1] for n, s in (("a", alone), ("t", together))}
    assert alone["auc_roc"][0] == together["auc_roc"][0]
    assert width["t"] > 2 * width["a"]
    assert together["patients"] == 40
