"""Site profiles of the model in service: which there are, and which is switched on.

    python -m pneumonia_api.acceptance.profiles list
    python -m pneumonia_api.acceptance.profiles on ID
    python -m pneumonia_api.acceptance.profiles off

`python -m pneumonia_api.acceptance --store` fits one and stores it, which changes nothing that
decides. From `on` to `off` the calibration, the threshold and the uncertain band of the profile
decide in place of the model's own, for everybody, from the next X-ray on; results that are there
stay as they are, and each says what decided it. A profile is for the model that it was fitted for,
and decides for no other. See docs/decisions/site-profile.md.

Exit status: 0, 1 for a fault that a person can fix, 2 for a wrong command.
"""

import argparse
import getpass
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import redis

from pneumonia_api.acceptance.archive import CannotAssess
from pneumonia_api.acceptance.connecting import open_redis, report_faults
from pneumonia_api.acceptance.service import switch_on
from pneumonia_api.acceptance.text import describe_profile
from pneumonia_api.records.profiles import (
    Active,
    BrokenProfile,
    ProfileMissing,
    ProfileOfAnotherModel,
    Profiles,
)
from pneumonia_api.records.served_model import ServedModel


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pneumonia_api.acceptance.profiles",
        description="Site profiles: a calibration and a threshold of this hospital's own.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all profiles, and which is switched on")
    on = commands.add_parser("on", help="let a profile decide from the next X-ray on")
    on.add_argument("profile", metavar="ID")
    off = commands.add_parser("off", help="let the model alone decide from the next X-ray on")
    for each in (on, off):
        each.add_argument("--by", default=getpass.getuser(), help="who decides it")
    for each in commands.choices.values():
        each.add_argument("--redis-url", help="default: REDIS_URL, which hides its password better")
    return parser.parse_args(argv)


def run(options: argparse.Namespace, client: redis.Redis) -> Iterator[str]:
    """Do it, and say what is switched on then. Raises CannotAssess."""
    profiles, version, now = Profiles(client), ServedModel(client).get_version(), datetime.now(UTC)
    if version is None:
        raise CannotAssess("No worker has announced its model; start one first.")
    try:
        if options.command == "on":
            switch_on(client, options.profile, version, by=options.by, at=now)
        elif options.command == "off":
            profiles.switch_off(by=options.by, at=now)
    except ProfileMissing as error:
        raise CannotAssess(f"There is no profile {options.profile}.") from error
    except BrokenProfile as error:
        raise CannotAssess(f"The profile {options.profile} is damaged; fit another.") from error
    except ProfileOfAnotherModel as error:
        raise CannotAssess(
            f"The profile {options.profile} is not for the model {version} that is served; a new "
            "model needs an acceptance and a profile of its own."
        ) from error
    if options.command == "list":
        for profile in profiles.list_all():
            yield from describe_profile(profile)
    yield describe_active(profiles.read_active(version), version)


def describe_active(active: Active, version: str) -> str:
    """What is switched on, in a sentence."""
    switch = active.switch
    since = f" since {switch.at}, by {switch.by}" if switch else ""
    if active.state == "off" or switch is None:
        return f"No profile is switched on{since}: the model {version} alone decides."
    what = f"The profile {switch.profile} is switched on{since}"
    if active.state == "applied":
        return f"{what}, and decides for the model {version}."
    why = {
        "other_model": "it is for another model; a new model needs an acceptance of its own",
        "broken": "it is damaged; fit another",
    }[active.state]
    return f"{what}, but decides nothing: {why}. The model {version} alone decides."


def main(argv: Sequence[str] | None = None) -> int:
    """The command; prints one line for a fault that a person can fix."""
    options = parse(argv)
    with report_faults() as outcome, open_redis(options.redis_url) as client:
        print(*run(options, client), sep="\n")
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
