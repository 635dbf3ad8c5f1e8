"""`model.evaluation.scores` and its neighbours: figures that can be computed by hand."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from model.evaluation.bootstrap import draw_patients, summarise
from model.evaluation.calibration import (
    calibrate,
    choose_common_threshold,
    choose_threshold,
    choose_uncertain,
    fit_calibration,
    sigmoid,
)
from model.evaluation.evaluate import (
    describe_reliability,
    evaluate,
    predictive_values,
    trace_curves,
)
from model.evaluation.scores import (
    Predictions,
    area_under_roc,
    balance,
    expected_calibration_error,
    score_band,
    score_predictions,
    score_subgroups,
)
from model.serving.finding import UncertainBand


def test_common_threshold_is_the_lowest_that_a_source_asks_for() -> None:
    """Half of the pneumonias of one source, all of those of the two others together."""
    probabilities = np.array([0.2, 0.4, 0.6, 0.8, 0.7, 0.9, 0.1])
    labels, sources = np.array([1, 1, 1, 1, 1, 1, 0]), np.array([*"aaaabca"])

    def choose(own: dict[str, float]) -> float:
        return choose_common_threshold(probabilities, labels, sources, 1.0, own)

    assert choose({}) == 0.2
    assert choose({"a": 0.5}) == 0.6
    assert choose({"a": 0.25}) == 0.7
    assert choose({"a": 0.25, "b": 1.0, "c": 1.0}) == 0.7
    assert choose({"a": 0.25, "b": 0.0}) == 0.7


def test_threshold_has_the_required_sensitivity() -> None:
    """The highest threshold that still calls 90 % of the pneumonias."""
    probabilities = np.linspace(0.01, 1.0, 100)
    threshold = choose_threshold(probabilities, np.ones(100), 0.9)
    assert (probabilities >= threshold).mean() == pytest.approx(0.9)


@pytest.mark.parametrize("values", [3, 1000])
def test_area_under_the_curve_is_that_of_scikit_learn(values: int) -> None:
    """With many equal scores and with few."""
    random = np.random.default_rng(values)
    for _ in range(20):
        labels = random.permutation(np.arange(60) < random.integers(1, 59)).astype(int)
        scores = random.integers(0, values, 60) / values
        assert area_under_roc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


def test_calibration_error_of_a_calibrated_and_an_overconfident_model() -> None:
    """0 when seven in ten of the 0.7s are ill; 0.3 when all of them were called certain."""
    labels = np.array([1] * 7 + [0] * 3)
    assert expected_calibration_error(labels, np.full(10, 0.7)) == pytest.approx(0)
    assert expected_calibration_error(labels, np.full(10, 1.0)) == pytest.approx(0.3)


def test_calibration_never_sharpens_and_balances_the_classes() -> None:
    """Underconfident logits keep their scale; the balanced mean probability is one half."""
    random = np.random.default_rng(0)
    labels = (random.random(4000) < 0.75).astype(int)
    logits = np.where(labels == 1, 1.5, -0.5) + random.normal(0, 0.5, 4000)
    calibration = fit_calibration(logits, labels)
    assert calibration.scale == 1
    probabilities = calibrate(logits, calibration)
    means = [probabilities[labels == label].mean() for label in (0, 1)]
    assert np.mean(means) == pytest.approx(0.5, abs=1e-3)


def test_calibration_softens_an_overconfident_network() -> None:
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
    images = [str(i) for i in range(400)]
    alone = score_predictions(Predictions(labels, probabilities, images), 0.5, 0, 300)
    children = [str(c) for c in child]
    together = score_predictions(Predictions(labels, probabilities, children), 0.5, 0, 300)
    width_alone, width_together = (
        np.array(s.auc_roc, float) @ (0, -1, 1) for s in (alone, together)
    )
    assert alone.auc_roc.value == together.auc_roc.value
    assert width_together > 2 * width_alone
    assert together.patients == 40


def test_whole_patients_are_drawn() -> None:
    """Images of one child are drawn together or not at all, and both classes are always there."""
    labels, patients = np.array([1, 1, 1, 0, 0]), ["a", "a", "a", "b", "c"]
    for drawn in draw_patients(labels, patients, 0, 50):
        counts = np.bincount(drawn, minlength=5)
        assert counts[0] == counts[1] == counts[2] > 0
        assert counts[3] + counts[4] > 0
        assert counts[0] + counts[3] + counts[4] == 3


def test_undefined_figures_are_null_and_do_not_spoil_the_interval() -> None:
    """Draws without a positive decision do not count; JSON has no NaN."""
    assert summarise(0.5, [0.4, float("nan"), 0.6]) == (0.5, 0.405, 0.595)
    assert summarise(float("nan"), [float("nan")]) == (None, None, None)


def test_curves_pass_through_their_known_points() -> None:
    """Worked by hand: scores 4 to 1 for ill, normal, ill, normal."""
    labels, probabilities = np.array([1, 0, 1, 0]), np.array([0.4, 0.3, 0.2, 0.1])
    predictions = Predictions(labels, probabilities, ["a", "b", "c", "d"])
    curves = trace_curves(predictions, [np.arange(4)])
    roc, pr = (dict(zip(c.x, c.y, strict=True)) for c in (curves.roc, curves.pr))
    # No false positive: one of two found. One of two normals called: both found.
    assert (roc[0.0], roc[0.49], roc[0.5], roc[1.0]) == (0.5, 0.5, 1.0, 1.0)
    # The first called is ill; to find both, three must be called.
    assert (pr[0.0], pr[0.5]) == (1.0, 1.0)
    assert pr[0.505] == pr[1.0] == pytest.approx(2 / 3, abs=1e-4)
    assert curves.roc.low == curves.roc.y == curves.roc.high


def test_bands_hold_their_curve() -> None:
    """The band contains the curve and has a width where the classes overlap."""
    random = np.random.default_rng(2)
    labels = np.repeat([0, 1], 60)
    probabilities = sigmoid(random.normal(labels * 1.5, 1))
    predictions = Predictions(labels, probabilities, [str(i) for i in range(120)])
    curves = trace_curves(predictions, predictions.draw(0, 300))
    for curve in (curves.roc, curves.pr):
        low, middle, high = (np.array(values) for values in (curve.low, curve.y, curve.high))
        assert (low <= middle).mean() > 0.97
        assert (middle <= high).mean() > 0.97
        assert (high - low).max() > 0.1


def test_reliability_as_collected_and_balanced() -> None:
    """Three in four ill: a bin of 0.75 is calibrated as collected, and 0.5 with equal classes."""
    labels = np.array([1, 1, 1, 0] * 10)
    predictions = Predictions(labels, np.full(40, 0.75), [str(i) for i in range(40)])
    (found,) = describe_reliability(predictions, predictions.draw(0, 50))
    assert (found.images, found.predicted) == (40, 0.75)
    assert found.observed.value == 0.75
    assert found.balanced == pytest.approx(0.5)
    assert expected_calibration_error(labels, np.full(40, 0.75), balance(labels)) == pytest.approx(
        0.25
    )


def test_subgroup_is_measured_against_all_normals() -> None:
    """One group found, the other missed, at the same specificity."""
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    probabilities = np.array([0.9, 0.8, 0.2, 0.1, 0.3, 0.4, 0.3, 0.7])
    groups = {"found": np.arange(8) < 2, "missed": (np.arange(8) >= 2) & (labels == 1)}
    patients = [str(i) for i in range(8)]
    scores = score_subgroups(Predictions(labels, probabilities, patients), 0.5, groups, 0, 50)
    found, missed = scores["found"], scores["missed"]
    assert found.images == missed.images == 2
    assert (found.auc_roc.value, missed.auc_roc.value) == (1, 0)
    assert (found.sensitivity.value, missed.sensitivity.value) == (1, 0)
    assert found.specificity.value == missed.specificity.value == 0.75


def test_evaluation_is_json_and_has_the_stored_threshold_in_its_table() -> None:
    """One row for each threshold with PPV and NPV at 5, 20 and 62.5 %, and no NaN anywhere."""
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1], 20)
    probabilities = sigmoid(random.normal(2 * labels - 1, 1)) * 0.8  # 0.9 calls nobody
    predictions = Predictions(labels, probabilities, [str(i) for i in range(40)])
    evaluation = evaluate(predictions, 0.37, 0, 50)
    json.dumps(asdict(evaluation), allow_nan=False)
    points = {point.threshold: point for point in evaluation.operating_points}
    stored = points[0.37]
    assert stored.sensitivity == evaluation.scores.sensitivity
    assert set(stored.ppv) == set(stored.npv) == {"0.05", "0.2", "0.625"}
    assert points[0.9].ppv["0.2"] == (None, None, None)
    expected = predictive_values(stored.sensitivity.value, stored.specificity.value, 0.2)
    assert (stored.ppv["0.2"].value, stored.npv["0.2"].value) == pytest.approx(expected, abs=1e-4)
    assert sum(evaluation.histogram.normal) + sum(evaluation.histogram.pneumonia) == 40


def test_uncertain_band_goes_from_sensitivity_to_specificity() -> None:
    """Below it are at most 1 % of the pneumonias, above it at most 1 % of the normals."""
    probabilities = np.concatenate([np.linspace(0.1, 1, 200), np.linspace(0, 0.8, 300)])
    labels = np.repeat([1, 0], [200, 300])
    band = choose_uncertain(probabilities, labels, 0.4)
    assert (probabilities[labels == 1] < band.low).mean() == pytest.approx(0.01)
    assert (probabilities[labels == 0] >= band.high).mean() == pytest.approx(0.01)
    assert band.low == round(band.low, 4)
    assert band.high == round(band.high, 4)


@pytest.mark.parametrize("threshold", [0.00002, 0.03, 0.5, 0.97, 0.99998])
def test_uncertain_band_includes_the_threshold(threshold: float) -> None:
    """Also where both classes are apart, and where the threshold is near 0 or 1."""
    probabilities = np.concatenate([np.linspace(0.6, 1, 100), np.linspace(0, 0.4, 100)])
    band = choose_uncertain(probabilities, np.repeat([1, 0], 100), threshold)
    assert 0 < band.low <= threshold <= band.high < 1


def test_scores_outside_the_band() -> None:
    """What is uncertain is counted, and is neither right nor wrong."""
    predictions = Predictions(
        np.array([1, 1, 1, 1, 0, 0, 0, 0]),
        np.array([0.9, 0.8, 0.5, 0.1, 0.9, 0.4, 0.2, 0.1]),
        [str(number) for number in range(8)],
    )
    found = score_band(predictions, UncertainBand(0.4, 0.8), 20, 50)
    assert (found.images, found.uncertain, found.share.value) == (8, 2, 0.25)
    assert found.sensitivity.value == pytest.approx(2 / 3, abs=1e-4)
    assert found.specificity.value == pytest.approx(2 / 3, abs=1e-4)


def test_scores_where_all_is_uncertain_are_undefined() -> None:
    """Nothing is outside the band, so no figure is made up."""
    predictions = Predictions(np.array([1, 0]), np.array([0.5, 0.5]), ["a", "b"])
    found = score_band(predictions, UncertainBand(0.4, 0.8), 20, 5)
    assert (found.share.value, found.sensitivity.value, found.specificity.value) == (1, None, None)
