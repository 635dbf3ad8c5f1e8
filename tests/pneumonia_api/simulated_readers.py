"""Twenty simulated readers of whom it is known how often they follow a wrong AI result.

    python -m tests.pneumonia_api.simulated_readers

They send their answers through the code of the service to a Redis of their own, and the reader
study that the service makes of them is printed beside what was planted. Then, without Redis, the
same for many seeds: the share of intervals that contain what was planted should be 95 %. Takes
about half a minute. The same seed gives the same readers.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import redis

from pneumonia_api.intervals import Share
from pneumonia_api.reader_study import Study, study
from pneumonia_api.records.comparisons import Comparison, list_comparisons
from pneumonia_api.records.confirming import Outcomes
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.redis_server import running_redis
from tests.stack import free_ports

SEED = 17
SEEDS = 2000
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    """How the readers behave; all shares from 0 to 1.

    Each has their own chance to follow advice unlike their first answer, drawn from a beta
    distribution with the mean `misled` if that advice is wrong and `helped` if it is right; it
    varies more the smaller `alike` is. `right` is how often their first answers are right,
    `ai_right` how often the advice is, independent of each other.
    """

    readers: int = 20
    xrays: int = 60
    misled: float = 0.3
    helped: float = 0.55
    alike: float = 8.0
    right: float = 0.8
    ai_right: float = 0.8
    ill: float = 0.4


def simulate(plan: Plan, seed: int) -> Iterator[Comparison]:
    """The answers of all readers, each on X-rays of their own, with all outcomes confirmed."""
    chance = random.Random(seed)  # noqa: S311 - a simulation

    def draw(mean: float) -> float:
        if mean in (0, 1):
            return mean
        return chance.betavariate(mean * plan.alike, (1 - mean) * plan.alike)

    for number in range(plan.readers):
        follows = {False: draw(plan.misled), True: draw(plan.helped)}
        for _ in range(plan.xrays):
            truth = chance.random() < plan.ill
            before = truth == (chance.random() < plan.right)
            advice = truth == (chance.random() < plan.ai_right)
            follow = before != advice and chance.random() < follows[advice == truth]
            yield Comparison(
                f"reader {number + 1:02}",
                _say(before),
                _say(advice if follow else before),
                _say(advice),
                _say(truth),
                round(chance.lognormvariate(3, 0.5), 1),
                round(chance.lognormvariate(1.5, 0.5), 1) if follow else None,
            )


def _say(ill: bool) -> str:
    return "pneumonia" if ill else "normal"


def send(client: redis.Redis, answers: Iterable[Comparison]) -> None:
    """Store an X-ray for each, with its readings and its outcome, as the API does."""
    xrays, reviews, outcomes = XrayStore(client), Reviews(client), Outcomes(client)
    for number, each in enumerate(answers):
        xray = done(new_xray("doctor", f"d{number}"), each.advice)
        xrays.add(xray)
        blind = NewReading(each.before, seen=0, ai="hidden", seconds=each.seconds_before)
        reviews.append(xray.id, blind, reader=each.reader, at=NOW)
        if each.after != each.before:
            shown = NewReading(each.after, seen=1, ai="shown", seconds=each.seconds_after)
            reviews.append(xray.id, shown, reader=each.reader, at=NOW)
        outcomes.append(xray.id, str(each.truth), "follow_up", by="lead", at=NOW)


def contains(share: Share, planted: float) -> bool:
    """Whether the interval has the planted value."""
    return share.low is not None and share.high is not None and share.low <= planted <= share.high


def measure_coverage(plan: Plan, seeds: int) -> dict[str, float]:
    """The share of `seeds` in whose interval the planted value is, of misled and of helped."""
    found = [study(simulate(plan, seed)).overall for seed in range(seeds)]
    return {
        "misled": sum(contains(each.misled, plan.misled) for each in found) / seeds,
        "helped": sum(contains(each.helped, plan.helped) for each in found) / seeds,
    }


def run_once(plan: Plan, seed: int) -> Study:
    """The study of one simulation, by way of Redis."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_redis(free_ports()["REDIS_PORT"], Path(folder)) as url,
        redis.Redis.from_url(url, decode_responses=True) as client,
    ):
        send(client, simulate(plan, seed))
        return study(list_comparisons(client))


def main() -> int:
    """Print both."""
    parser = argparse.ArgumentParser(description="Plant a bias in readers and look for it.")
    parser.add_argument("--seed", type=int, default=SEED, help="of the readers sent to Redis")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many others to simulate")
    arguments = parser.parse_args()
    plan = Plan()
    overall = run_once(plan, arguments.seed).overall
    print(f"{plan.readers} readers, {overall.answers} answers, seed {arguments.seed}:")
    for name, share, planted in (
        ("misled", overall.misled, plan.misled),
        ("helped", overall.helped, plan.helped),
    ):
        print(
            f"  {name}: planted {planted:.3f}, found {share.share:.3f} "
            f"({share.low:.3f} to {share.high:.3f}), {share.count} of {share.of}"
        )
    for name, covered in measure_coverage(plan, arguments.seeds).items():
        print(f"  {name}: {100 * covered:.1f} % of {arguments.seeds} intervals contain it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
