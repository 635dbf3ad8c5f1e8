"""Whether the model works in this hospital, on its own films.

    python -m pneumonia_api.acceptance [--since 2026-11-01]
    python -m pneumonia_api.acceptance FOLDER --labels FILE.csv
    python -m pneumonia_api.acceptance --store [--by NAME]

The first takes what the workers judged with the model that they serve, where somebody confirmed
the outcome or read without the AI result. The second takes an archive that `model/inference.py`
scored, and needs no clinician: FILE.csv has the columns file (below FOLDER), label (pneumonia or
normal) and, better, patient. Reads Redis and changes nothing. With --store the third keeps what
--local fits as a site profile, which decides nothing until somebody switches it on
(`python -m pneumonia_api.acceptance.profiles`).

Bounds and first day are those of the plan that an admin wrote for this model, if there is one (page
*Acceptance*), unless the options say otherwise. While a site profile is switched on, the films that
it decided are measured by what it promises.

Exit status: 0 holds here, 3 does not hold, 4 too few to say; 1 for a fault that a person can fix,
and 2 for a wrong command. The rule is in docs/decisions/acceptance.md.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from pneumonia_api.acceptance.archive import CannotAssess, find_films, read_labels
from pneumonia_api.acceptance.connecting import open_redis, report_faults
from pneumonia_api.acceptance.films import Film
from pneumonia_api.acceptance.local import Local, TooFewFilms, fit_local
from pneumonia_api.acceptance.report import Assessment, assess
from pneumonia_api.acceptance.rule import FAILS, HOLDS, TOO_FEW, Bounds, derive_bounds
from pneumonia_api.acceptance.service import InService, find_in_service, read_bounds, read_films
from pneumonia_api.acceptance.site_profile import describe_fit
from pneumonia_api.acceptance.text import describe, describe_local, describe_profile
from pneumonia_api.records.plans import PlanRecord, Plans
from pneumonia_api.records.profiles import ProfileRecord, Profiles
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore

STATUSES = {HOLDS: 0, FAILS: 3, TOO_FEW: 4}

MAX_XRAYS = 1_000_000


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pneumonia_api.acceptance",
        description="Whether the model works in this hospital, on its own films.",
    )
    parser.add_argument("folder", nargs="?", type=Path, help="an archive that was scored")
    parser.add_argument(
        "--labels", type=Path, metavar="FILE.csv", help="its labels: file, label, patient"
    )
    parser.add_argument(
        "--since", type=_read_day, metavar="DATE", help="first day (UTC) of the films that count"
    )
    parser.add_argument("--least-sensitivity", type=float, metavar="SHARE")
    parser.add_argument("--least-specificity", type=float, metavar="SHARE")
    parser.add_argument(
        "--local",
        action="store_true",
        help="also say what a calibration and a threshold of this hospital's own would give",
    )
    parser.add_argument(
        "--store", action="store_true", help="the same, and store it as a site profile, not in use"
    )
    parser.add_argument("--by", default=getpass.getuser(), help="who has it stored")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--redis-url", help="default: REDIS_URL, which hides its password better")
    options = parser.parse_args(argv)
    if (options.folder is None) != (options.labels is None):
        parser.error("give a folder and --labels, or neither.")
    if options.folder and options.since:
        parser.error("--since is for X-rays of the service, not for an archive.")
    return options


def _read_day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no date such as 2026-11-01") from error


@dataclass(frozen=True)
class Found:
    """What the command answers: the assessment, and what it was asked to fit and to store."""

    assessment: Assessment
    local: Local | None = None
    profile: ProfileRecord | None = None

    def list_lines(self) -> Iterator[str]:
        """For a person."""
        yield from describe(self.assessment)
        if self.local:
            yield from describe_local(self.local)
        if self.profile:
            yield from describe_profile(self.profile)

    def encode(self) -> dict[str, Any]:
        """For a program."""
        more = {"local": self.local, "profile": self.profile}
        return {
            **asdict(self.assessment),
            **{name: asdict(each) for name, each in more.items() if each},
        }


def run(options: argparse.Namespace, client: redis.Redis) -> Found:
    """Assess what the options name, with a local fit if they ask for one. Raises CannotAssess."""
    model = ServedModel(client).get()
    if model is None:
        raise CannotAssess("No worker has announced its model; start one first.")
    serves = find_in_service(client, model)
    plan = Plans(client).find(serves.version, serves.profile)
    judged, films = _find(options, client, serves, plan)
    found = assess(
        films,
        judged=judged,
        model=serves.version,
        profile=serves.profile,
        promised=serves.promised,
        bounds=_choose_bounds(options, serves, plan),
        in_time=not options.folder,
    )
    if not (options.local or options.store):
        return Found(found)
    if not options.folder:  # also what was decided otherwise: the model's own probability counts
        own = Plans(client).find(serves.version)
        since = options.since or (own.since if own else None)
        judged, films = read_films(client, serves.version, since, MAX_XRAYS)
    try:
        local = fit_local(films)
    except TooFewFilms as error:
        raise CannotAssess(str(error)) from error
    if not options.store:
        return Found(found, local)
    profile = describe_fit(
        local,
        films,
        judged=judged,
        model=serves.version,
        origin="archive" if options.folder else "service",
        by=options.by,
        at=datetime.now(UTC),
    )
    Profiles(client).add(profile)
    return Found(found, local, profile)


def _find(
    options: argparse.Namespace, client: redis.Redis, serves: InService, plan: PlanRecord | None
) -> tuple[int, list[Film]]:
    if options.folder:
        rows = read_labels(options.labels)
        return find_films(options.folder, rows, XrayStore(client), serves.judge)
    since = options.since or (plan.since if plan else None)
    return read_films(client, serves.version, since, MAX_XRAYS, serves.judge)


def _choose_bounds(
    options: argparse.Namespace, serves: InService, plan: PlanRecord | None
) -> dict[str, Bounds]:
    """Those of the plan, unless the options state some. Raises CannotAssess."""
    least = {
        "sensitivity": options.least_sensitivity,
        "specificity": options.least_specificity,
    }
    if plan and all(each is None for each in least.values()):
        return read_bounds(plan)
    try:
        return derive_bounds(serves.promised, least)
    except ValueError as error:
        raise CannotAssess(str(error)) from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command; prints one line for a fault that a person can fix."""
    options = parse(argv)
    with report_faults() as outcome, open_redis(options.redis_url) as client:
        found = run(options, client)
        if options.json:
            print(json.dumps(found.encode(), indent=1))
        else:
            print(*found.list_lines(), sep="\n")
        outcome.status = STATUSES[found.assessment.verdict.name]
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
