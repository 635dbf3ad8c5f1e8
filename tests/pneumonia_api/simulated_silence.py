"""Simulated silent weeks: how soon the stopping rule finds a loss, and how often it errs.

    python -m tests.pneumonia_api.simulated_silence

A hospital reads the films of one quarter, in which the model is as its card says, or has lost ten
points of specificity or of sensitivity since the first film. Printed are the share of quarters
with an alarm within 200 read films and within the quarter, and the median film of the alarm. Takes
about a minute. The same seed gives the same quarters.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from pneumonia_api.acceptance.films import Film
from pneumonia_api.acceptance.stopping import FALSE_ALARMS, follow
from tests.pneumonia_api.acceptance.films import make

SEED = 18
QUARTERS = 2000
FILMS = 650
"""Of a quarter: ten read films on each of 65 working days."""

SOON = 200


@dataclass(frozen=True)
class Ward:
    """What the model does there; all shares from 0 to 1. The defaults are those of its card."""

    sensitivity: float = 0.9949
    specificity: float = 0.8291
    ill: float = 0.25

    def read(self, films: int, seed: int) -> Iterator[Film]:
        """The films of one quarter, each of another patient."""
        chance = random.Random(seed)  # noqa: S311 - a simulation
        for number in range(films):
            ill = chance.random() < self.ill
            called = chance.random() < (self.sensitivity if ill else 1 - self.specificity)
            yield make(number, ill=ill, probability=0.9 if called else 0.1)


CARD = Ward()
LEAST = {"sensitivity": 0.94, "specificity": 0.73}
"""As `acceptance.rule` derives them from the card."""


def find_alarm(ward: Ward, films: int, seed: int) -> int | None:
    """The film of the first alarm of either test in one quarter; None without any."""
    read = list(ward.read(films, seed))
    alarms = [follow(read, name, getattr(CARD, name), LEAST[name]).alarm for name in FALSE_ALARMS]
    return min((each for each in alarms if each), default=None)


def list_alarms(ward: Ward, quarters: int, seed: int) -> list[int | None]:
    """The first alarm of each of so many quarters."""
    return [find_alarm(ward, FILMS, seed * 100_000 + each) for each in range(quarters)]


def share_within(alarms: list[int | None], films: int) -> float:
    """The share of quarters with an alarm within the first `films`."""
    return sum(1 for each in alarms if each and each <= films) / len(alarms)


def main() -> int:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description="Simulate quarters with and without a loss.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--quarters", type=int, default=QUARTERS, help="how many of each case")
    arguments = parser.parse_args()
    print(f"{arguments.quarters} quarters of {FILMS} read films, seed {arguments.seed}")
    for ill in (0.1, 0.25, 0.4):
        for name, ward in (
            ("nothing is lost", Ward(ill=ill)),
            ("10 points of specificity", Ward(ill=ill, specificity=CARD.specificity - 0.1)),
            ("10 points of sensitivity", Ward(ill=ill, sensitivity=CARD.sensitivity - 0.1)),
        ):
            alarms = list_alarms(ward, arguments.quarters, arguments.seed)
            median = statistics.median(each or FILMS + 1 for each in alarms)
            print(
                f"  {100 * ill:.0f} % ill, {name}: alarm within {SOON} films in "
                f"{100 * share_within(alarms, SOON):.1f} %, in the quarter in "
                f"{100 * share_within(alarms, FILMS):.1f} %; median film "
                f"{'none' if median > FILMS else f'{median:.0f}'}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
