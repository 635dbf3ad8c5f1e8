#!/usr/bin/env python
"""The deployment on AWS: builds it, tells of it, trains on it, takes it down.

    .venv/bin/python terraform/deploy.py apply      # everything, up to a site that answers
    .venv/bin/python terraform/deploy.py --help     # all commands

Needs Terraform, git, AWS credentials and terraform.tfvars, and not the AWS command line. Ends with
0, with 1 and a sentence that says what to do, or with 2 when the command is no command.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model.serving.artifact import ArtifactError
from model.serving.artifact_store import ArtifactStoreError
from terraform import operate
from terraform.operate import (
    COMMAND,
    POLL_SECONDS,
    SETUP_LOG,
    Deployment,
    find_address,
    find_deployment,
    find_hosts_not_set_up,
    probe_site,
)
from terraform.planning import planned_changes, print_changes, refuse_loss
from terraform.provision import (
    ROOT,
    CannotDeploy,
    ask_terraform,
    build_release,
    check_terraform,
    explain,
    publish_first_model,
    read_setting,
    run_terraform,
    show,
    upload_release,
)

PURPOSES = ("images", "artifacts", "releases", "data")
KEPT = r"data\.|aws_s3_bucket|aws_ebs_volume\.redis|aws_ssm_parameter"
"""What cannot be made again: buckets, the records' disk, and the secrets that fit the records."""


def plan(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Say what apply would do, and whether it would be refused."""
    del arguments
    check_terraform(deployment.folder)
    archive = build_release(ROOT, ROOT / "var" / "releases")
    run_terraform(deployment.folder, "init")
    planned = run_terraform(deployment.folder, "plan", variables={"release": archive.name})
    print_changes(planned)
    refuse_loss(planned)


def apply(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Show what would change, ask, build all of it, and wait until it works."""
    folder = deployment.folder
    check_terraform(folder)
    archive = build_release(ROOT, ROOT / "var" / "releases")
    run_terraform(folder, "init")
    again = [f"-replace={address}" for address in arguments.replace]
    with planned_changes(folder, *again, release=archive.name) as shown:
        ask_for(shown.changes, arguments.yes)
    there = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    if not {deployment.bucket(purpose) for purpose in PURPOSES} <= there:
        show("The buckets first: hosts install from them.")
        with planned_changes(folder, release=archive.name, targets=["aws_s3_bucket.all"]) as first:
            first.apply()
    upload_release(archive, deployment.bucket("releases"))
    publish_first_model(deployment.store)
    with planned_changes(folder, *again, release=archive.name) as rest:
        if not rest.changes.items() <= shown.changes.items():
            show("The plan is another one by now.")
            ask_for(rest.changes, arguments.yes)
        rest.apply()
    address, public = find_address(deployment)
    if read_setting(deployment.folder, "domain"):
        show(f"The A record of {address.removeprefix('https://')} must say {public}.")
    if not arguments.no_wait:
        until = time.monotonic() + arguments.wait_seconds
        wait_for_hosts(deployment, until)
        wait_for_site(address, until)
    grafana = ask_terraform(folder, "output", "-raw", "grafana")
    print(f"\n  The site is at  {address}\n  Log in as  doctor\n  Password   {COMMAND} password")
    print(f"\n  Grafana, by the AWS command line with its plugin for Session Manager:\n  {grafana}")
    print(f"  then https://localhost:3000, as admin; password: {COMMAND} password grafana\n")


def ask_for(changes: dict[str, str], yes: bool) -> None:
    """Show what would change, and go on if a person agrees. Raises CannotDeploy, EOFError."""
    print_changes(changes)
    if changes and not yes and input("Type yes to build this: ").strip() != "yes":
        raise CannotDeploy("Nothing was changed.")


def wait_for_hosts(deployment: Deployment, until: float) -> None:
    """Until each is set up; an API host has judged an X-ray by then. Raises CannotDeploy."""
    show("Waiting for the hosts; they install themselves, which takes some minutes ...")
    while missing := find_hosts_not_set_up(deployment):
        if time.monotonic() >= until:
            host, why = next(iter(missing.items()))
            raise CannotDeploy(
                f"Not set up in time: {', '.join(missing)} ({host}: {why}). Each host tries again "
                f"every minute; {SETUP_LOG} on it says why not: {COMMAND} logs {host} --setup, "
                f"then {COMMAND} apply to go on."
            )
        show(f"Not set up yet: {', '.join(missing)}", lasting=False)
        time.sleep(POLL_SECONDS)
    show("Each host is set up, and an X-ray was judged.")


def wait_for_site(address: str, until: float) -> None:
    """Until it answers. Raises CannotDeploy."""
    begin = time.monotonic()
    show(f"Waiting for {address} ...")
    while why := probe_site(address):
        waited = time.monotonic() - begin
        if time.monotonic() >= until:
            certificate = (
                " The certificate is asked for every 20 minutes until the A record is right; then "
                f"run {COMMAND} status."
            )
            raise CannotDeploy(
                f"{address} does not answer after {waited:.0f} s ({why}); {SETUP_LOG} on each "
                f"host says how far it came: {COMMAND} logs nginx --setup, also with web and api-0."
                + (certificate if "CERTIFICATE" in why.upper() else "")
            )
        show(f"{waited:.0f} s: {why}", lasting=False)
        time.sleep(POLL_SECONDS)
    show("It answers.")


def destroy(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Take it down; what patients left, models and secrets stay unless --with-data."""
    name, folder = deployment.name, deployment.folder
    check_terraform(folder)
    if arguments.with_data:
        print(
            f"All of {name} is destroyed, with every X-ray, record, model and their old versions."
        )
    else:
        print(
            f"The hosts and the network of {name} are destroyed. Buckets with X-rays and models, "
            "the disk with the records and the secrets are kept for another apply and cost a "
            "little; records in ElastiCache are lost. --with-data destroys them too."
        )
    if not arguments.yes and input(f"Type {name} to go on: ").strip() != name:
        raise CannotDeploy("Nothing was destroyed.")
    run_terraform(folder, "init")
    variables = {"release": "release-none.tar.gz"}  # asked for, and without meaning here
    listed = ask_terraform(folder, "state", "list", empty="No state file was found")
    targets = [address for address in listed.splitlines() if not re.match(KEPT, address)]
    if not listed.strip():
        raise CannotDeploy(f"{name} is not deployed; there is nothing to destroy.")
    if targets:
        run_terraform(folder, "destroy", "-auto-approve", targets=targets, variables=variables)
    if arguments.with_data:  # now that no host writes any more
        empty_buckets(deployment)
        delete_disk(deployment)
        run_terraform(folder, "destroy", "-auto-approve", variables=variables)
    show("Destroyed." if arguments.with_data else "Destroyed, but for the data.")


def empty_buckets(deployment: Deployment) -> None:
    """Every object with all of its versions and the marks of deleted ones."""
    s3 = boto3.client("s3")
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in sorted({deployment.bucket(purpose) for purpose in PURPOSES} & there):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for count, page in enumerate(pages, 1):
            show(f"Emptying {bucket} ... {count * 1000}", lasting=False)
            old = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in old]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        show(f"{bucket} is empty.")


def delete_disk(deployment: Deployment) -> None:
    """The records' disk, which Terraform itself refuses to delete; no host has it any more."""
    ec2 = boto3.client("ec2")
    named = [{"Name": "tag:Name", "Values": [f"{deployment.name}-redis"]}]
    for volume in ec2.describe_volumes(Filters=named)["Volumes"]:
        ec2.delete_volume(VolumeId=volume["VolumeId"])
        ec2.get_waiter("volume_deleted").wait(VolumeIds=[volume["VolumeId"]])
        show("The disk with the records is deleted.")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; the function of the command is in `run`."""
    parser = argparse.ArgumentParser(description="The deployment on AWS.")
    folder = Path(__file__).resolve().parent
    parser.add_argument("--folder", type=Path, default=folder, help="of the Terraform files")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(run: Callable[[Deployment, argparse.Namespace], None]) -> argparse.ArgumentParser:
        text = (run.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        return command

    add(plan)
    applying = add(apply)
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
    how.add_argument("--setup", action="store_true", help="how the host was set up")
    whose = add(operate.password)
    whose.add_argument("whose", nargs="?", default="first-user", choices=("first-user", "grafana"))
    destroying = add(destroy)
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    destroying.add_argument("--with-data", action="store_true", help="X-rays, records, models too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command; faults are told in a sentence."""
    arguments = parse(argv)
    try:
        arguments.run(find_deployment(arguments.folder.resolve()), arguments)
    except (CannotDeploy, ArtifactError, ArtifactStoreError) as error:
        print(error, file=sys.stderr)
    except (BotoCoreError, Boto3Error, ClientError) as error:
        print(explain(str(error)), file=sys.stderr)
    except EOFError:
        print("\nNobody is there to ask; --yes goes on without asking.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
