"""Films of a made-up hospital whose model has a known sensitivity, specificity and calibration."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pneumonia_api.acceptance.calibration import to_log_odds, to_probability
from pneumonia_api.acceptance.films import Film

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
"""The first day of a quarter."""


@dataclass(frozen=True)
class Hospital:
    """How its films are; all shares from 0 to 1.

    The log-odds of the model are normal with the mean `distance` for the ill and its negative for
    the healthy, and such a variance that they are calibrated for as many ill as healthy; then they
    are multiplied by `steeper` and `shift` is added. `each` is the number of films of a patient,
    which are all alike.
    """

    ill: float = 0.25
    distance: float = 2.0
    steeper: float = 1.0
    shift: float = 0.0
    threshold: float = 0.5
    each: int = 1

    def take(self, films: int, seed: int) -> Iterator[Film]:
        """So many films, ten minutes apart."""
        chance = random.Random(seed)  # noqa: S311 - a simulation
        for number in range(films):
            if number % self.each == 0:
                ill = chance.random() < self.ill
                centre = self.distance if ill else -self.distance
                # For normal log-odds of equal variance the slope is 2 distance / variance.
                odds = chance.gauss(centre, (2 * self.distance) ** 0.5)
                probability = to_probability(self.steeper * odds + self.shift)
            yield make(
                number,
                patient=f"p{number // self.each}",
                ill=ill,
                probability=probability,
                threshold=self.threshold,
            )


def make(
    number: int,
    *,
    ill: bool,
    probability: float,
    patient: str | None = None,
    threshold: float = 0.5,
    shown: bool = True,
    age: str = "within",
    device: str = "person",
) -> Film:
    """A film that was read ten minutes after the one before it."""
    return Film(
        patient=patient or f"p{number}",
        ill=ill,
        called=probability >= threshold,
        probability=probability,
        own=probability,
        uncertain=0.4 <= probability < 0.6,
        shown=shown,
        age=age,
        view="PA",
        source="person",
        device=device,
        basis="outcome",
        at=(START + number * timedelta(minutes=10)).isoformat(timespec="milliseconds"),
        sent=START.isoformat(timespec="milliseconds"),
    )


def find_odds(film: Film) -> float:
    """The model's log-odds."""
    return to_log_odds(film.probability)
