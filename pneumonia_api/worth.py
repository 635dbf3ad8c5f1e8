"""What a finding is worth where it is made: how many such patients are ill, here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Worth:
    """Of the patients with a finding the share that is ill, with its 95 % interval; 0 to 1."""

    share: float
    low: float
    high: float


def find_worth(prevalence: float, ratios: Mapping[str, Sequence[float]]) -> dict[str, Worth]:
    """The worth of each finding of `ratios`, its likelihood ratio with the ends of its interval.

    Bayes' rule in its form for odds: the odds of the disease before the result, times the ratio,
    are those after it (Deeks and Altman 2004, BMJ 329:168). Both rise together, so the ends of the
    one interval are those of the other. It has the uncertainty of the test set; the prevalence is
    taken as exact, and the ratio as one that holds here, too. `prevalence` is from 0 to 1, both
    excluded.
    """
    before = prevalence / (1 - prevalence)
    return {
        name: Worth(*(before * ratio / (1 + before * ratio) for ratio in interval))
        for name, interval in ratios.items()
    }
