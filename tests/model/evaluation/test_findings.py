"""What a finding is worth, as it is measured and as it is shipped."""

from dataclasses import replace

import numpy as np
import pytest

from model.evaluation.findings import measure_ratios
from model.evaluation.report_file import read_report_file
from model.evaluation.scores import Predictions
from model.serving.artifact import read_artifact
from model.serving.finding import FINDINGS, UncertainBand
from model.serving.ratios import read_ratios
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"


def test_ratio_is_the_share_among_the_ill_over_that_among_the_others() -> None:
    """80 of 100 ill and 10 of 100 others are above the band; half an image is added to each."""
    artifact = replace(read_artifact(SHIPPED), uncertain=UncertainBand(0.3, 0.6), threshold=0.5)
    probabilities = np.array([0.9] * 80 + [0.4] * 20 + [0.9] * 10 + [0.4] * 40 + [0.1] * 50)
    labels = np.array([1] * 100 + [0] * 100)
    predictions = Predictions(labels, probabilities, [str(n // 2) for n in range(200)])
    found = measure_ratios(artifact, predictions, 1, 400)
    assert (found.version, found.images, found.patients) == (artifact.version, 200, 100)
    assert found.ratios["pneumonia_likely"][0] == pytest.approx(80.5 / 10.5, abs=1e-4)
    assert found.ratios["uncertain"][0] == pytest.approx(20.5 / 40.5, abs=1e-4)
    # Nobody ill is below the band: a small ratio, but not 0.
    assert found.ratios["no_pneumonia_detected"][0] == pytest.approx(0.5 / 50.5, abs=1e-4)
    for value, low, high in found.ratios.values():
        assert 0 < low < value < high


def test_shipped_ratios_are_of_the_shipped_model_and_agree_with_its_card() -> None:
    """Of the X-rays outside the band they give the card's sensitivity and specificity.

    With a, b the shares of ill and others above the band and c, d those below it, a / b and c / d
    are the ratios; a / (a + c) is the sensitivity outside the band, d / (b + d) the specificity.
    """
    artifact = read_artifact(SHIPPED)
    found = read_ratios(SHIPPED, artifact.version)
    report = read_report_file(SHIPPED / "report.json")
    assert found
    assert report.uncertain
    assert set(found.ratios) == set(FINDINGS)
    outside = report.uncertain["official test"]
    assert outside.sensitivity.value
    assert outside.specificity.value
    assert (found.images, found.patients) == (report.test.scores.images, 428)
    # From both rates alone: (a / b) / (c / d) = sens * spec / ((1 - sens) * (1 - spec)).
    odds = outside.sensitivity.value * outside.specificity.value
    odds /= (1 - outside.sensitivity.value) * (1 - outside.specificity.value)
    above, below = (found.ratios[name][0] for name in ("pneumonia_likely", "no_pneumonia_detected"))
    # One ill child is below the band: the half images added weigh a third of it.
    assert above / below == pytest.approx(odds, rel=0.4)
