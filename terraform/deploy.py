#!/usr/bin/env python
"""The deployment on AWS: build it, watch it, train on it, take it down.

    .venv/bin/python terraform/deploy.py apply      # everything, until the site answers
    .venv/bin/python terraform/deploy.py --help     # all commands

Needs Terraform, git, AWS credentials and terraform.tfvars, but not the AWS CLI. Exit status: 0; 1
with a sentence that says what to do; 2 for a wrong command line.
"""

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model.serving.artifact import ArtifactError
from model.serving.artifact_store import ArtifactStoreError
from terraform import building, destroying, operate
from terraform.deployment import Deployment, find_deployment
from terraform.errors import CannotDeploy, explain


def parse(argv: Sequence[str] | None) -> tuple[Path, Callable[[Deployment], None]]:
    """The folder, and the command with its arguments."""
    parser = argparse.ArgumentParser(description="The deployment on AWS.")
    folder = Path(__file__).resolve().parent
    parser.add_argument("--folder", type=Path, default=folder, help="of the Terraform files")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(run: Callable[..., None]) -> argparse.ArgumentParser:
        text = (run.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        return command

    add(building.plan)
    applying = add(building.apply)
    applying.add_argument("--yes", action="store_true", help="do not ask")
    applying.add_argument("--no-wait", action="store_true", help="do not wait for hosts and site")
    applying.add_argument("--wait-seconds", type=float, default=1200, metavar="SECONDS")
    applying.add_argument(
        "--replace",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="such as aws_instance.nginx",
    )
    add(operate.status)
    training = add(operate.train)
    training.add_argument(
        "--data", type=Path, metavar="FOLDER", help="upload train/ and test/ first"
    )
    training.add_argument("--wait", action="store_true", help="until the trainer is off again")
    add(operate.models)
    add(operate.promote).add_argument("version", help="of a candidate")
    add(operate.switch).add_argument("version", help="of a model promoted before, or: previous")
    log = add(operate.logs)
    log.add_argument("host", help="such as nginx, web, api-0, monitoring, trainer")
    how = log.add_mutually_exclusive_group()
    how.add_argument("--follow", action="store_true", help="until Ctrl-C")
    how.add_argument("--setup", action="store_true", help="the log of the host's set-up")
    whose = add(operate.password)
    whose.add_argument("whose", nargs="?", default="first-user", choices=("first-user", "grafana"))
    removing = add(destroying.destroy)
    removing.add_argument("--yes", action="store_true", help="do not ask")
    removing.add_argument("--with-data", action="store_true", help="X-rays, records, models too")
    arguments = vars(parser.parse_args(argv))
    folder, run = arguments.pop("folder"), arguments.pop("run")
    return folder, functools.partial(run, **arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; print faults as a sentence."""
    folder, run = parse(argv)
    try:
        run(find_deployment(folder.resolve()))
    except (CannotDeploy, ArtifactError, ArtifactStoreError) as error:
        print(error, file=sys.stderr)
    except (BotoCoreError, Boto3Error, ClientError) as error:
        print(explain(str(error)), file=sys.stderr)
    except EOFError:
        print("\nThere is no terminal to ask for confirmation; use --yes.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; run the same command again to continue.", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
