"""What a probability means to the reader: pneumonia likely, uncertain, or none detected."""

from dataclasses import dataclass
from typing import Literal, get_args

Finding = Literal["pneumonia_likely", "uncertain", "no_pneumonia_detected"]
FINDINGS: tuple[Finding, ...] = get_args(Finding)


@dataclass(frozen=True)
class UncertainBand:
    """Probabilities from `low` to below `high`, which include the threshold, are uncertain.

    Both are chosen on validation (`model.evaluation.uncertain`).
    """

    low: float
    high: float


def find(probability: float, threshold: float, band: UncertainBand | None) -> Finding:
    """The finding for a calibrated probability; without a band nothing is uncertain."""
    low, high = (band.low, band.high) if band else (threshold, threshold)
    if probability >= high:
        return "pneumonia_likely"
    return "uncertain" if probability >= low else "no_pneumonia_detected"
