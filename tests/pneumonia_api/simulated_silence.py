"""Simulated silent weeks: how soon the stopping rule finds a loss, and how often it errs.

    python -m tests.pneumonia_api.simulated_silence

A hospital reads the films of one quarter, in which the model is as its card says, or has lost ten
points of specificity or of sensitivity since the first film or since the middle of the quarter.
Printed are the share of quarters with an alarm within 200 read films and within the quarter, and
the median film of the alarm; of the rule, and in brackets of Wald's sequential test, which it
replaced. Takes some minutes. The same seed gives the same quarters.
"""

import argparse
import math
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scipy.stats import binom

from pneumonia_api.acceptance.films import Film
from pneumonia_api.acceptance.stopping import FALSE_ALARMS, MARGIN, SOON, follow
from tests.pneumonia_api.acceptance.films import make

SEED = 18
QUARTERS = 2000
FILMS = 650
"""Of a quarter: ten read films on each of 65 working days."""


@dataclass(frozen=True)
class Ward:
    """What the model does there; shares from 0 to 1. The defaults are of version 4473c07b3ae1.

    Before the film `begins` it is as the card says.
    """

    sensitivity: float = 0.9949
    specificity: float = 0.8291
    ill: float = 0.25
    begins: int = 0

    def read(self, films: int, seed: int) -> Iterator[Film]:
        """The films of one quarter, each of another patient."""
        chance = random.Random(seed)  # noqa: S311 - a simulation
        for number in range(films):
            now = self if number >= self.begins else CARD
            ill = chance.random() < self.ill
            called = chance.random() < (now.sensitivity if ill else 1 - now.specificity)
            yield make(number, ill=ill, probability=0.9 if called else 0.1)


CARD = Ward()
LEAST = {"sensitivity": 0.94, "specificity": 0.73}
"""As `acceptance.rule` derives them from the card."""


Rule = Callable[[Sequence[Film], str], int | None]
"""The film of the alarm of the test of a figure in one quarter; None without one."""


def follow_rule(films: Sequence[Film], measure: str) -> int | None:
    """That of the acceptance."""
    return follow(films, measure, getattr(CARD, measure), LEAST[measure]).alarm


def follow_wald(films: Sequence[Film], measure: str) -> int | None:
    """Wald's sequential probability ratio test without its lower limit, for the same chances."""
    expected, least = min(getattr(CARD, measure), 1 - MARGIN), LEAST[measure]
    right, wrong = math.log(least / expected), math.log((1 - least) / (1 - expected))
    logarithm = 0.0
    for number, film in enumerate(films, 1):
        if film.ill is (measure == "sensitivity"):
            logarithm += right if film.called is film.ill else wrong
            if logarithm >= -math.log(FALSE_ALARMS[measure]):
                return number
    return None


def find_alarm(ward: Ward, films: int, seed: int, rule: Rule = follow_rule) -> int | None:
    """The film of the first alarm of either test in one quarter; None without any."""
    read = list(ward.read(films, seed))
    alarms = [rule(read, name) for name in FALSE_ALARMS]
    return min((each for each in alarms if each), default=None)


def list_alarms(ward: Ward, quarters: int, seed: int, rule: Rule = follow_rule) -> list[int | None]:
    """The first alarm of each of so many quarters.

    Quarters with one before the loss begins are left out.
    """
    found = (find_alarm(ward, FILMS, seed * 100_000 + each, rule) for each in range(quarters))
    return [each for each in found if each is None or each > ward.begins]


def share_within(alarms: list[int | None], films: int) -> float:
    """The share of quarters with an alarm within the first `films`."""
    return sum(1 for each in alarms if each and each <= films) / len(alarms)


def find_most_power(ward: Ward, films: int = SOON) -> float:
    """The most that any test of specificity can find within so many films of a loss from the start.

    At one look after the last of them the most powerful test is known (Neyman and Pearson 1933):
    many errors, with a chance that decides at the edge. Whoever looks earlier, too, finds no more.
    """
    most = 0.0
    for healthy in range(films + 1):
        met = binom.pmf(healthy, films, 1 - ward.ill)
        allowed, power = FALSE_ALARMS["specificity"], 0.0
        for errors in range(healthy, -1, -1):
            right, lost = (
                binom.pmf(errors, healthy, 1 - each)
                for each in (CARD.specificity, ward.specificity)
            )
            power += lost * min(1.0, allowed / right if right else 1.0)
            allowed -= right
            if allowed <= 0:
                break
        most += met * power
    return float(most)


def main() -> int:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description="Simulate quarters with and without a loss.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--quarters", type=int, default=QUARTERS, help="how many of each case")
    arguments = parser.parse_args()
    print(f"{arguments.quarters} quarters of {FILMS} read films, seed {arguments.seed}")
    half = FILMS // 2
    for ill in (0.1, 0.25, 0.4):
        less, fewer = CARD.specificity - 0.1, CARD.sensitivity - 0.1
        for name, ward in (
            ("nothing is lost", Ward(ill=ill)),
            ("10 points of specificity", Ward(ill=ill, specificity=less)),
            ("the same from the middle on", Ward(ill=ill, specificity=less, begins=half)),
            ("10 points of sensitivity", Ward(ill=ill, sensitivity=fewer)),
            ("the same from the middle on", Ward(ill=ill, sensitivity=fewer, begins=half)),
        ):
            ours, wald = (
                list_alarms(ward, arguments.quarters, arguments.seed, rule)
                for rule in (follow_rule, follow_wald)
            )
            print(
                f"  {100 * ill:.0f} % ill, {name}: alarm within {SOON} films in "
                f"{say_share(ours, SOON)} ({say_share(wald, SOON)}) %, in the quarter in "
                f"{say_share(ours, FILMS)} ({say_share(wald, FILMS)}) %; median film "
                f"{say_median(ours)} ({say_median(wald)})",
                flush=True,
            )
        most = find_most_power(Ward(ill=ill, specificity=less))
        print(
            f"    a loss of specificity is found within {SOON} films by no test in more than "
            f"{100 * most:.1f} %"
        )
    return 0


def say_share(alarms: list[int | None], films: int) -> str:
    """In per cent."""
    return f"{100 * share_within(alarms, films):.1f}"


def say_median(alarms: list[int | None]) -> str:
    """The median film of the alarm, or that most quarters have none."""
    median = statistics.median(each or FILMS + 1 for each in alarms)
    return "none" if median > FILMS else f"{median:.0f}"


if __name__ == "__main__":
    sys.exit(main())
