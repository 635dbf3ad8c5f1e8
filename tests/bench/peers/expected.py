"""The right answers: the probability of each X-ray in float32, and how far another may be off."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TOLERANCE = 0.1
"""Of the network's logit: what bfloat16 may move it."""

ROUNDING = 0.00006
"""Of the probability: the API answers four digits."""


def squash_logit(logit: float) -> float:
    """Logit -> probability, for any size of the logit."""
    return 0.5 * (1 + math.tanh(0.5 * logit))


@dataclass(frozen=True)
class Expected:
    """The network's float32 `logits` by file, and the calibration that turns them into answers."""

    logits: list[float]
    scale: float
    offset: float

    def bounds(self, number: int) -> tuple[float, float]:
        """The lowest and the highest right probability for upload `number` of `Images`."""
        logit = self.logits[number % len(self.logits)]
        ends = sorted(
            squash_logit(self.scale * (logit + sign * TOLERANCE) + self.offset) for sign in (-1, 1)
        )
        return ends[0] - ROUNDING, ends[1] + ROUNDING

    def allows(self, number: int, probability: float) -> bool:
        """Whether this is a right answer to upload `number`."""
        low, high = self.bounds(number)
        return low <= probability <= high

    def write(self, file: Path) -> None:
        """For a process that holds no model."""
        file.write_text(json.dumps([self.logits, self.scale, self.offset]))

    @classmethod
    def read(cls, file: Path) -> Self:
        """What `write` wrote."""
        return cls(*json.loads(file.read_text()))
