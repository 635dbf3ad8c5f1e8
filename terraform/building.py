"""Build the deployment: plan, apply, and wait until the site works."""

import time
from collections.abc import Sequence

import boto3

from terraform.deployment import (
    COMMAND,
    PURPOSES,
    SETUP_LOG,
    Deployment,
    find_address,
    find_hosts_not_set_up,
    probe_site,
    read_setting,
)
from terraform.errors import CannotDeploy
from terraform.planning import planned_changes, print_changes, refuse_loss
from terraform.release import ROOT, build_release, publish_first_model, upload_release
from terraform.runs import ask_terraform, check_terraform, run_terraform, show

POLL_SECONDS = 5


def plan(deployment: Deployment) -> None:
    """Print what apply would do, and whether it would be refused."""
    check_terraform(deployment.folder)
    archive = build_release(ROOT, ROOT / "var" / "releases")
    run_terraform(deployment.folder, "init")
    planned = run_terraform(deployment.folder, "plan", variables={"release": archive.name})
    print_changes(planned)
    refuse_loss(planned)


def apply(
    deployment: Deployment,
    *,
    yes: bool = False,
    no_wait: bool = False,
    wait_seconds: float = 1200,
    replace: Sequence[str] = (),
) -> None:
    """Show the changes, ask, build everything, and wait until it works."""
    folder = deployment.folder
    check_terraform(folder)
    archive = build_release(ROOT, ROOT / "var" / "releases")
    run_terraform(folder, "init")
    options = [f"-replace={address}" for address in replace]
    with planned_changes(folder, *options, release=archive.name) as shown:
        ask_for(shown.changes, yes=yes)
    existing = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    if not {deployment.bucket(purpose) for purpose in PURPOSES} <= existing:
        show("Creating the buckets first: hosts install from them.")
        with planned_changes(folder, release=archive.name, targets=["aws_s3_bucket.all"]) as first:
            first.apply()
    upload_release(archive, deployment.bucket("releases"))
    publish_first_model(deployment.store)
    with planned_changes(folder, *options, release=archive.name) as rest:
        if not rest.changes.items() <= shown.changes.items():
            show("The plan has changed in the meantime.")
            ask_for(rest.changes, yes=yes)
        rest.apply()
    address, public = find_address(deployment)
    if read_setting(deployment.folder, "domain"):
        show(f"The A record of {address.removeprefix('https://')} must point to {public}.")
    if not no_wait:
        until = time.monotonic() + wait_seconds
        wait_for_hosts(deployment, until)
        wait_for_site(address, until)
    grafana = ask_terraform(folder, "output", "-raw", "grafana")
    print(f"\n  The site is at  {address}\n  Log in as  doctor\n  Password   {COMMAND} password")
    print(f"\n  Grafana, with the AWS CLI and its Session Manager plugin:\n  {grafana}")
    print(f"  then https://localhost:3000, as admin; password: {COMMAND} password grafana\n")


def ask_for(changes: dict[str, str], *, yes: bool) -> None:
    """Show the changes and ask for confirmation. Raises CannotDeploy, EOFError."""
    print_changes(changes)
    if changes and not yes and input("Type yes to apply these changes: ").strip() != "yes":
        raise CannotDeploy("Nothing was changed.")


def wait_for_hosts(deployment: Deployment, until: float) -> None:
    """Wait until every host is set up; an API host has then analysed an X-ray.

    `until` is a time of time.monotonic(). Raises CannotDeploy.
    """
    show("Waiting for the hosts to install themselves, which takes some minutes ...")
    while missing := find_hosts_not_set_up(deployment):
        if time.monotonic() >= until:
            host, why = next(iter(missing.items()))
            raise CannotDeploy(
                f"Not set up in time: {', '.join(missing)} ({host}: {why}). Each host tries again "
                f"every minute; for the reason see {SETUP_LOG} on the host: {COMMAND} logs {host} "
                f"--setup, then run {COMMAND} apply to continue."
            )
        show(f"Not set up yet: {', '.join(missing)}", lasting=False)
        time.sleep(POLL_SECONDS)
    show("Every host is set up, and an X-ray was analysed.")


def wait_for_site(address: str, until: float) -> None:
    """Wait until the site answers; `until` is a time of time.monotonic(). Raises CannotDeploy."""
    begin = time.monotonic()
    show(f"Waiting for {address} ...")
    while why := probe_site(address):
        waited = time.monotonic() - begin
        if time.monotonic() >= until:
            certificate = (
                " The certificate is requested every 20 minutes until the A record is right; then "
                f"run {COMMAND} status."
            )
            raise CannotDeploy(
                f"{address} does not answer after {waited:.0f} s ({why}); for the progress see "
                f"{SETUP_LOG} on each host: {COMMAND} logs nginx --setup, also with web and api-0."
                + (certificate if "CERTIFICATE" in why.upper() else "")
            )
        show(f"{waited:.0f} s: {why}", lasting=False)
        time.sleep(POLL_SECONDS)
    show("The site answers.")
