"""Whether the model works in this hospital, on its own films.

    python -m pneumonia_api.acceptance [--since 2026-11-01]
    python -m pneumonia_api.acceptance FOLDER --labels FILE.csv

The first takes what the workers judged with the model that they serve, where somebody confirmed
the outcome or read without the AI result. The second takes an archive that `model/inference.py`
scored, and needs no clinician: FILE.csv has the columns file (below FOLDER), label (pneumonia or
normal) and, better, patient. Reads Redis and changes nothing.

Bounds and first day are those of the plan that an admin wrote for this model, if there is one (page
*Acceptance*), unless the options say otherwise.

Exit status: 0 holds here, 3 does not hold, 4 too few to say; 1 for a fault that a person can fix,
and 2 for a wrong command. The rule is in docs/decisions/acceptance.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import redis

from pneumonia_api.acceptance.archive import CannotAssess, find_films, read_labels
from pneumonia_api.acceptance.local import Local, TooFewFilms, fit_local
from pneumonia_api.acceptance.report import Assessment, assess, read_card
from pneumonia_api.acceptance.rule import FAILS, HOLDS, TOO_FEW, derive_bounds
from pneumonia_api.acceptance.service import read_bounds, read_films
from pneumonia_api.acceptance.text import describe, describe_local
from pneumonia_api.config import ConfigError, read_acceptance_config
from pneumonia_api.records.plans import Plans
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


def run(options: argparse.Namespace, client: redis.Redis) -> tuple[Assessment, Local | None]:
    """Assess what the options name, with a local fit if they ask for one. Raises CannotAssess."""
    model = ServedModel(client).get()
    if model is None:
        raise CannotAssess("No worker has announced its model; start one first.")
    card, version = read_card(model), model["version"]
    plan = Plans(client).find(version)
    least = {
        "sensitivity": options.least_sensitivity,
        "specificity": options.least_specificity,
    }
    try:
        stated = any(each is not None for each in least.values())
        bounds = read_bounds(plan) if plan and not stated else derive_bounds(card, least)
    except ValueError as error:
        raise CannotAssess(str(error)) from error
    if options.folder:
        rows = read_labels(options.labels)
        judged, films = find_films(options.folder, rows, XrayStore(client), version)
    else:
        since = options.since or (plan.since if plan else None)
        judged, films = read_films(client, version, since, MAX_XRAYS)
    found = assess(
        films,
        judged=judged,
        model=version,
        card=card,
        bounds=bounds,
        in_time=not options.folder,
    )
    try:
        return found, fit_local(films) if options.local else None
    except TooFewFilms as error:
        raise CannotAssess(str(error)) from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command; prints one line for a fault that a person can fix."""
    options = parse(argv)
    try:
        given = {"REDIS_URL": options.redis_url} if options.redis_url else {}
        config = read_acceptance_config(given)
        with redis.Redis.from_url(
            config.redis_url, decode_responses=True, socket_connect_timeout=5, socket_timeout=10
        ) as client:
            found, local = run(options, client)
    except (CannotAssess, ConfigError) as error:
        print(error, file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"The Redis URL cannot be used: {error}", file=sys.stderr)
        return 1
    except redis.RedisError as error:
        print(f"Redis: {error}.", file=sys.stderr)
        return 1
    if options.json:
        more = {"local": asdict(local)} if local else {}
        print(json.dumps({**asdict(found), **more}, indent=1))
    else:
        print(*describe(found), *(describe_local(local) if local else ()), sep="\n")
    return STATUSES[found.verdict.name]


if __name__ == "__main__":
    sys.exit(main())
