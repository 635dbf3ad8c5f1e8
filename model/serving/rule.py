"""How an output of the network becomes a probability and a decision: by the artifact or a site.

A site may calibrate a model on films of its own. The artifact stays as it is: the site's line is
applied to the log-odds of the model's calibrated probability, and the threshold and the uncertain
band are then probabilities of the site's.
"""

from dataclasses import dataclass

import numpy as np

from model.serving.artifact import Artifact
from model.serving.finding import UncertainBand


@dataclass(frozen=True)
class DecisionRule:
    """Probability = sigmoid(`scale` * logit + `offset`); pneumonia from `threshold` on.

    `uncertain` is the band in which the finding is uncertain. `profile` is the id of the site's
    profile that says so, or None for the artifact itself.
    """

    scale: float
    offset: float
    threshold: float
    uncertain: UncertainBand | None
    profile: str | None = None

    def find_probability(self, logit: float) -> float:
        """The calibrated probability of a logit of the network, not rounded."""
        return float(0.5 * (1 + np.tanh(0.5 * (self.scale * logit + self.offset))))

    def find_logit(self, probability: float) -> float:
        """The logit of the network that has this probability, from 0 to 1, both excluded."""
        return float((np.log(probability / (1 - probability)) - self.offset) / self.scale)

    def list_limits(self) -> list[float]:
        """The probabilities at which what is shown changes."""
        band = self.uncertain
        return [self.threshold, *((band.low, band.high) if band else ())]


def rule_of(artifact: Artifact) -> DecisionRule:
    """The rule that is stored with the weights."""
    calibration = artifact.calibration
    return DecisionRule(
        calibration.scale, calibration.offset, artifact.threshold, artifact.uncertain
    )


def localize(
    artifact: Artifact,
    *,
    intercept: float,
    slope: float,
    threshold: float,
    uncertain: UncertainBand | None,
    profile: str,
) -> DecisionRule:
    """The rule of a site: log-odds `intercept` + `slope` times those of the artifact's probability.

    `threshold` and `uncertain` are for the probabilities that result.
    """
    own = rule_of(artifact)
    return DecisionRule(
        scale=slope * own.scale,
        offset=intercept + slope * own.offset,
        threshold=threshold,
        uncertain=uncertain,
        profile=profile,
    )
