"""`model.serving.finding`: what a probability means to the reader."""

import pytest

from model.serving.finding import FINDINGS, UncertainBand, find

BAND = UncertainBand(0.2, 0.7)


@pytest.mark.parametrize(
    ("probability", "finding"),
    [
        (0.0, "no_pneumonia_detected"),
        (0.1999, "no_pneumonia_detected"),
        (0.2, "uncertain"),
        (0.4, "uncertain"),
        (0.6999, "uncertain"),
        (0.7, "pneumonia_likely"),
        (1.0, "pneumonia_likely"),
    ],
)
def test_three_findings(probability: float, finding: str) -> None:
    """The lower end belongs to the band, the upper one does not."""
    assert find(probability, 0.4, BAND) == finding


def test_without_a_band_nothing_is_uncertain() -> None:
    """As in an artifact of an earlier release: the finding follows the decision."""
    assert find(0.39, 0.4, None) == "no_pneumonia_detected"
    assert find(0.4, 0.4, None) == "pneumonia_likely"


def test_no_finding_is_called_normal() -> None:
    """A normal X-ray is not what the model can see."""
    assert not any("normal" in finding for finding in FINDINGS)
