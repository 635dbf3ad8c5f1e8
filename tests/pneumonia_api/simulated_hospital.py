"""Silent weeks in a hospital of adults, with the scores that the shipped model gives their films.

    python -m tests.pneumonia_api.simulated_hospital --data ../shared/data

The films are of `adults_more`: a quarter of them pneumonias of Hannover and of Cohen's collection,
the others normal adults of the NIH. This hospital's detector is a poor one: its films are grainy
(`add_grain`), which the network was not trained on, although it was on most of these films without
grain. So this shows what silent weeks find, not how good the model is on adults. Beside it, as a
control, validation films of the children's hospital, as they are. The films go through the code of
the service to a Redis of its own, each with a reading that was made in silence, and after some of
them the acceptance is printed. Takes some minutes.
"""

import argparse
import csv
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import redis

from model.evaluation.external import predict_files
from model.evaluation.sets import list_splits
from model.reading.dataset import KERMANY
from model.reading.xray import XrayImage
from model.serving.artifact import Artifact
from model.serving.golden import Output
from model.serving.predictor import Predictor, conclude
from model.serving.rule import rule_of
from pneumonia_api.acceptance.local import Local, TooFewFilms, fit_local
from pneumonia_api.acceptance.report import Assessment
from pneumonia_api.acceptance.rule import derive_bounds
from pneumonia_api.acceptance.service import assess_service, find_in_service, read_films
from pneumonia_api.acceptance.text import describe_local
from pneumonia_api.judging import choose_rule, judge
from pneumonia_api.records.profiles import Profiles
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.xrays import XrayStore
from tests.conftest import XRAY_DATA
from tests.pneumonia_api.acceptance.films import START
from tests.pneumonia_api.redis_server import running_redis
from tests.stack import ROOT, free_ports

SEED = 18
SIZES = (20, 50, 100, 200, 400, 800)
ILL_SHARE = 0.25
GRAIN = 20


@dataclass(frozen=True)
class Sample:
    """A film on the disk: who it is of, and whether they are ill."""

    path: Path
    patient: str
    ill: bool


@dataclass(frozen=True)
class Scored:
    """A film and the probability that the model gives it."""

    sample: Sample
    probability: float


def list_adults(data: Path) -> list[Sample]:
    """The pneumonias and the normal films of `adults_more`."""
    with (data / "adults_more" / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in ("pneumonia", "normal")]
    folder = data / "adults_more" / "images"
    return [
        Sample(folder / row["file"], row["patient_id"], row["label"] == "pneumonia") for row in rows
    ]


def list_own(data: Path, predictor: Predictor) -> list[Sample]:
    """The validation films of the model's own hospital."""
    xrays = [
        xray
        for xray in list_splits(predictor.artifact, data / "kermany224")["validation"]
        if xray.source == KERMANY
    ]
    return [Sample(xray.path, xray.patient, bool(xray.label)) for xray in xrays]


def draw(samples: Sequence[Sample], films: int, seed: int) -> list[Sample]:
    """So many films in the order in which they arrive, each once, ILL_SHARE of them ill."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    ill = chance.sample([each for each in samples if each.ill], round(films * ILL_SHARE))
    healthy = chance.sample([each for each in samples if not each.ill], films - len(ill))
    drawn = [*ill, *healthy]
    chance.shuffle(drawn)
    return drawn


def add_grain(xray: XrayImage) -> XrayImage:
    """As from a detector with too little dose: noise with a deviation of GRAIN grey levels."""
    chance = np.random.default_rng(xray.pixels[::7, ::7].sum())
    noise = chance.normal(0, GRAIN, xray.pixels.shape)
    return replace(xray, pixels=np.clip(xray.pixels + noise, 0, 255).round().astype(np.uint8))


def score(
    predictor: Predictor,
    samples: Sequence[Sample],
    change: Callable[[XrayImage], XrayImage] | None = None,
) -> list[Scored]:
    """With their probabilities, after a `change` of the films if one is given."""
    probabilities = predict_files(predictor, [each.path for each in samples], change)
    return [Scored(s, float(p)) for s, p in zip(samples, probabilities, strict=True)]


def send(client: redis.Redis, artifact: Artifact, scored: Iterable[Scored], begin: int) -> None:
    """Judge each as a worker does, and read it in silence by somebody who is right."""
    xrays, reviews, profiles = XrayStore(client), Reviews(client), Profiles(client)
    for number, each in enumerate(scored, begin):
        logit = rule_of(artifact).find_logit(min(max(each.probability, 1e-9), 1 - 1e-9))
        output = Output(logit, np.zeros((14, 14), np.float32), 0.0, "float32")
        prediction = conclude(artifact, output, choose_rule(profiles, artifact))
        xray = judge(
            new_xray("doctor", f"d{number}", each.sample.patient), prediction, (), "unknown"
        )
        xrays.add(xray)
        label = "pneumonia" if each.sample.ill else "normal"
        at = START + number * timedelta(minutes=1)
        reviews.append(xray.id, NewReading(label, ai="silent"), reader="ada", at=at)


@dataclass(frozen=True)
class Weeks:
    """The acceptance after some films, and what a local fit gives, or why there is none."""

    assessment: Assessment
    local: Local | str


@contextmanager
def opened_redis() -> Iterator[redis.Redis]:
    """A Redis of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_redis(free_ports()["REDIS_PORT"], Path(folder)) as url,
        redis.Redis.from_url(url, decode_responses=True) as client,
    ):
        yield client


def assess_now(client: redis.Redis, artifact: Artifact, limit: int) -> Assessment:
    """The acceptance of what decides now."""
    model = {"version": artifact.version, "scores": artifact.scores}
    serves = find_in_service(client, model)
    bounds = derive_bounds(serves.promised, {})
    return assess_service(client, serves, bounds, since=None, limit=limit)


def run(predictor: Predictor, scored: Sequence[Scored], sizes: Sequence[int]) -> dict[int, Weeks]:
    """Both after so many films of `scored`, by their number."""
    artifact, found, sent = predictor.artifact, dict[int, Weeks](), 0
    with opened_redis() as client:
        for size in sizes:
            send(client, artifact, scored[sent:size], sent)
            sent = size
            assessment = assess_now(client, artifact, size)
            _, films = read_films(client, artifact.version, None, size)
            try:
                local: Local | str = fit_local(films)
            except TooFewFilms as error:
                local = str(error)
            found[size] = Weeks(assessment, local)
    return found


def describe(size: int, found: Assessment) -> str:
    """One line."""
    overall = found.overall
    alarms = [f"{name} at film {bet.alarm}" for name, bet in found.bets.items() if bet.alarm]
    area = f"AUC {overall.auc.value:.3f}, " if overall.auc else ""
    shares = ", ".join(
        f"{name} {share.share:.3f} ({share.low:.3f} to {share.high:.3f})"
        for name, share in (
            ("sensitivity", overall.sensitivity),
            ("specificity", overall.specificity),
        )
    )
    slope = f"; slope {found.calibration.slope.value:.2f}" if found.calibration else ""
    error = f", error {found.calibration.error.value:.3f}" if found.calibration else ""
    return (
        f"  {size} films: {found.verdict.name}; {area}{shares}{slope}{error}; "
        f"alarms: {', '.join(alarms) or 'none'}"
    )


def main() -> int:
    """Print a line for each number of films, of both hospitals."""
    parser = argparse.ArgumentParser(description="Simulate silent weeks with real scores.")
    parser.add_argument("--data", type=Path, default=XRAY_DATA)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    predictor = Predictor(ROOT / "model" / "artifact", ROOT / "var" / "serving")
    hospitals = {
        "adults, grainy films": (list_adults(arguments.data), add_grain),
        "the children's hospital": (list_own(arguments.data, predictor), None),
    }
    for name, (samples, change) in hospitals.items():
        print(f"{name}, model {predictor.artifact.version}, seed {arguments.seed}:", flush=True)
        most = min(max(SIZES), int(sum(not each.ill for each in samples) / (1 - ILL_SHARE)))
        scored = score(predictor, draw(samples, most, arguments.seed), change)
        sizes = [*(size for size in SIZES if size < most), most]
        for size, found in run(predictor, scored, sizes).items():
            print(describe(size, found.assessment))
            print(
                "   ",
                *([found.local] if isinstance(found.local, str) else describe_local(found.local)),
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
