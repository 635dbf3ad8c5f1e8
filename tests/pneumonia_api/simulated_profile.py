"""A hospital with grainy films fits a site profile; what that is worth on its other patients.

    python -m tests.pneumonia_api.simulated_profile --data ../shared/data

The films are those of `simulated_hospital`, with their grain. After some films in
silent weeks a profile is fitted, stored and switched on, or refused because there are too few.
Then films of other patients are judged with it, by the code of the service, and printed are
calibration error, sensitivity and specificity on them: of the profile, and of the model alone. As
often as there are seeds, each with other films. Takes some minutes.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from model.serving.artifact import Artifact
from model.serving.predictor import Predictor
from pneumonia_api.acceptance.calibration import Calibration, measure_calibration
from pneumonia_api.acceptance.figures import Figures, measure
from pneumonia_api.acceptance.films import Film
from pneumonia_api.acceptance.local import TooFewFilms
from pneumonia_api.acceptance.report import Assessment
from pneumonia_api.acceptance.service import fit_service, read_films, switch_on
from pneumonia_api.records.profiles import MIN_PATIENTS, ProfileRecord, name_judge
from tests.conftest import XRAY_DATA
from tests.pneumonia_api.simulated_hospital import (
    ILL_SHARE,
    SEED,
    Scored,
    add_grain,
    assess_now,
    draw,
    list_adults,
    opened_redis,
    score,
    send,
)
from tests.stack import ROOT

SEEDS = 10
FITTED = (200, 400)
"""Films in silent weeks, ILL_SHARE of them ill, from which nothing may be fitted; then all."""

WEEKS = 2 / 3
"""Of the patients, those whose films come in silent weeks; the others' come later."""


@dataclass(frozen=True)
class Proof:
    """What a hospital found: the assessment in silent weeks, and why it got no profile, or how it
    and the model alone are on films of other patients."""

    silent: Assessment
    refused: str | None = None
    profile: ProfileRecord | None = None
    with_profile: Figures | None = None
    calibration: Calibration | None = None
    alone: Figures | None = None
    before: Calibration | None = None


def part(samples: Sequence[Scored], seed: int) -> tuple[list[Scored], list[Scored]]:
    """Two parts without a common patient, each in the order in which films arrive."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    first = set[str]()
    for label in (True, False):
        patients = sorted({each.sample.patient for each in samples if each.sample.ill is label})
        first |= set(chance.sample(patients, round(len(patients) * WEEKS)))
    arriving = list(samples)
    chance.shuffle(arriving)
    weeks = [each for each in arriving if each.sample.patient in first]
    return weeks, [each for each in arriving if each.sample.patient not in first]


def prove(artifact: Artifact, weeks: Sequence[Scored], later: Sequence[Scored]) -> Proof:
    """Silent weeks, a profile if there are enough, and the films that follow."""
    with opened_redis() as client:
        send(client, artifact, weeks, 0)
        silent = assess_now(client, artifact, len(weeks))
        now = datetime.now(UTC)
        try:
            profile = fit_service(
                client, artifact.version, limit=len(weeks), by="simulation", at=now
            )
        except TooFewFilms as error:
            return Proof(silent, str(error))
        switch_on(client, profile.id, artifact.version, by="simulation", at=now)
        send(client, artifact, later, len(weeks))
        judge = name_judge(artifact.version, profile.id)
        _, films = read_films(client, artifact.version, None, len(weeks) + len(later), judge)
        own = [_judge_alone(film, artifact) for film in films]
        return Proof(
            silent,
            None,
            profile,
            measure(films),
            measure_calibration(films),
            measure(own),
            measure_calibration(own),
        )


def _judge_alone(film: Film, artifact: Artifact) -> Film:
    called = film.own >= artifact.threshold
    return replace(film, probability=film.own, called=called)


def describe(films: int, proof: Proof) -> Iterator[str]:
    """Some lines."""
    alarms = [f"{name} at film {bet.alarm}" for name, bet in proof.silent.bets.items() if bet.alarm]
    yield f"  {films} films in silent weeks: alarms {', '.join(alarms) or 'none'}"
    if proof.refused:
        yield f"    refused: {proof.refused}"
        return
    for name, figures, calibration in (
        ("model alone", proof.alone, proof.before),
        ("profile", proof.with_profile, proof.calibration),
    ):
        if figures is None or calibration is None:
            continue
        error, found = calibration.error, (figures.sensitivity, figures.specificity)
        shares = ", ".join(
            f"{each.share:.3f} ({each.low:.3f} to {each.high:.3f})" for each in found
        )
        yield (
            f"    {name} on {figures.films} films of other patients: error {error.value:.3f} "
            f"({error.low:.3f} to {error.high:.3f}), sensitivity, specificity {shares}"
        )


def main() -> int:
    """Print them for each seed and number of films."""
    parser = argparse.ArgumentParser(description="Fit a site profile and check it on other films.")
    parser.add_argument("--data", type=Path, default=XRAY_DATA)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    predictor = Predictor(ROOT / "model" / "artifact", ROOT / "var" / "serving")
    adults = list_adults(arguments.data)
    ill = sum(each.ill for each in adults)
    samples = draw(adults, round(ill / ILL_SHARE), SEED)
    scored = score(predictor, samples, add_grain)
    version = predictor.artifact.version
    print(f"{len(samples)} films, model {version}; {MIN_PATIENTS} patients of each kind needed")
    errors = []
    for seed in range(arguments.seeds):
        print(f"seed {seed}:", flush=True)
        weeks, later = part(scored, seed)
        for films in (*FITTED, len(weeks)):
            proof = prove(predictor.artifact, weeks[:films], later)
            print(*describe(films, proof), sep="\n", flush=True)
        if proof.before and proof.calibration:
            errors.append((proof.before.error.value, proof.calibration.error.value))
    before, after = (statistics.mean(each) for each in zip(*errors, strict=True))
    better = sum(alone > local for alone, local in errors)
    print(
        f"mean error {before:.3f} of the model alone and {after:.3f} with the profile, smaller in "
        f"{better} of {len(errors)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
