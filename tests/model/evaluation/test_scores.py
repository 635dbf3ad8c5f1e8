"""`model.evaluation.scores`: figures that can be worked out by hand."""

import json

import numpy as np
import pytest

from model.evaluation.bootstrap import draw_patients, summarise
from model.evaluation.scores import (
    balance,
    calibrate,
    choose_threshold,
    describe_reliability,
    evaluate,
    expected_calibration_error,
    fit_calibration,
    predictive_values,
    score_predictions,
    score_subgroups,
    sigmoid,
    trace_curves,
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
    assert calibration.scale == 1
    probabilities = calibrate(logits, calibration)
    means = [probabilities[labels == label].mean() for label in (0, 1)]
    assert np.mean(means) == pytest.approx(0.5, abs=1e-3)


def test_calibration_softens_a_boastful_network() -> None:
    """Logits four times too large are scaled back."""
    random = np.random.default_rng(0)
    honest = random.normal(0, 1.5, 20000)
    labels = (random.random(20000) < sigmoid(honest)).astype(int)
    assert fit_calibration(4 * honest, labels).scale == pytest.approx(0.25, abs=0.02)


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


def test_whole_patients_are_drawn() -> None:
    """Images of one child are drawn together or not at all, and both classes are always there."""
    labels, patients = np.array([1, 1, 1, 0, 0]), ["a", "a", "a", "b", "c"]
    for drawn in draw_patients(labels, patients, 0, 50):
        counts = np.bincount(drawn, minlength=5)
        assert counts[0] == counts[1] == counts[2] > 0
        assert counts[3] + counts[4] > 0
        assert counts[0] + counts[3] + counts[4] == 3


def test_undefined_figures_are_null_and_do_not_spoil_the_interval() -> None:
    """Draws in which nobody was called ill do not count; JSON has no NaN."""
    assert summarise(0.5, [0.4, float("nan"), 0.6]) == [0.5, 0.405, 0.595]
    assert summarise(float("nan"), [float("nan")]) == [None, None, None]


def test_curves_pass_through_their_known_points() -> None:
    """Worked by hand: scores 4 to 1 for ill, normal, ill, normal."""
    labels, probabilities = np.array([1, 0, 1, 0]), np.array([0.4, 0.3, 0.2, 0.1])
    curves = trace_curves(labels, probabilities, [np.arange(4)])
    at = {name: dict(zip(c["x"], c["y"], strict=True)) for name, c in curves.items()}
    # No false positive: one of two found. One of two normals called: both found.
    assert (at["roc"][0.0], at["roc"][0.49], at["roc"][0.5], at["roc"][1.0]) == (0.5, 0.5, 1.0, 1.0)
    # The first called is ill; to find both, three must be called.
    assert (at["pr"][0.0], at["pr"][0.5]) == (1.0, 1.0)
    assert at["pr"][0.505] == at["pr"][1.0] == pytest.approx(2 / 3, abs=1e-4)
    assert curves["roc"]["low"] == curves["roc"]["y"] == curves["roc"]["high"]


def test_bands_hold_their_curve() -> None:
    """The band lies around the curve and has a width where the classes overlap."""
    random = np.random.default_rng(2)
    labels = np.repeat([0, 1], 60)
    probabilities = sigmoid(random.normal(labels * 1.5, 1))
    draws = draw_patients(labels, [str(i) for i in range(120)], 0, 300)
    for curve in trace_curves(labels, probabilities, draws).values():
        low, middle, high = (np.array(curve[name]) for name in ("low", "y", "high"))
        assert (low <= middle).mean() > 0.97
        assert (middle <= high).mean() > 0.97
        assert (high - low).max() > 0.1


def test_reliability_as_collected_and_balanced() -> None:
    """Three in four ill: a bin of 0.75 is honest as collected, 0.5 with both classes alike."""
    labels = np.array([1, 1, 1, 0] * 10)
    draws = draw_patients(labels, [str(i) for i in range(40)], 0, 50)
    (found,) = describe_reliability(labels, np.full(40, 0.75), draws)
    assert (found["images"], found["predicted"]) == (40, 0.75)
    assert found["observed"][0] == 0.75
    assert found["balanced"] == pytest.approx(0.5)
    assert expected_calibration_error(labels, np.full(40, 0.75), balance(labels)) == pytest.approx(
        0.25
    )


def test_subgroup_is_measured_against_all_normals() -> None:
    """One group found, the other missed, at the same specificity."""
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    probabilities = np.array([0.9, 0.8, 0.2, 0.1, 0.3, 0.4, 0.3, 0.7])
    groups = {"found": np.arange(8) < 2, "missed": (np.arange(8) >= 2) & (labels == 1)}
    patients = [str(i) for i in range(8)]
    scores = score_subgroups(labels, probabilities, 0.5, groups, patients, 0, 50)
    assert scores["found"]["images"] == scores["missed"]["images"] == 2
    assert (scores["found"]["auc_roc"][0], scores["missed"]["auc_roc"][0]) == (1, 0)
    assert (scores["found"]["sensitivity"][0], scores["missed"]["sensitivity"][0]) == (1, 0)
    assert scores["found"]["specificity"][0] == scores["missed"]["specificity"][0] == 0.75


def test_evaluation_is_json_and_has_the_stored_threshold_in_its_table() -> None:
    """One row for each threshold with PPV and NPV at 5, 20 and 62.5 %, and no NaN anywhere."""
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1], 20)
    probabilities = sigmoid(random.normal(2 * labels - 1, 1)) * 0.8  # 0.9 calls nobody
    figures = evaluate(labels, probabilities, 0.37, [str(i) for i in range(40)], 0, 50)
    json.dumps(figures, allow_nan=False)
    rows = {row["threshold"]: row for row in figures["operating_points"]}
    assert rows[0.37]["sensitivity"] == figures["scores"]["sensitivity"]
    assert set(rows[0.37]["ppv"]) == set(rows[0.37]["npv"]) == {"0.05", "0.2", "0.625"}
    assert rows[0.9]["ppv"]["0.2"] == [None, None, None]
    expected = predictive_values(rows[0.37]["sensitivity"][0], rows[0.37]["specificity"][0], 0.2)
    assert (rows[0.37]["ppv"]["0.2"][0], rows[0.37]["npv"]["0.2"][0]) == pytest.approx(
        expected, abs=1e-4
    )
    assert sum(map(sum, figures["histogram"].values())) == 40
