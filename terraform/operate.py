"""Operate a deployment: its state, the model in service, training, logs."""

import time
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from model.serving.artifact_store import CURRENT
from model.serving.manifest import MANIFEST_NAME
from terraform.deployment import (
    COMMAND,
    SETUP_LOG,
    Deployment,
    find_address,
    list_hosts,
    probe_site,
    run_on_host,
)
from terraform.errors import CannotDeploy, explain
from terraform.runs import show
from terraform.training_data import upload_data

LOG_BYTES = 20000
"""Of a host's output: Systems Manager returns only the first 24,000 characters."""

POLL_SECONDS = 5


def status(deployment: Deployment) -> None:
    """Print address, hosts, model and trainer."""
    address, _ = find_address(deployment)
    why = probe_site(address)
    print(f"site     {address}  {f'does not answer ({why})' if why else 'answers'}")
    hosts = list_hosts(deployment)
    for name, host in hosts.items():
        print(
            f"{name:12} {host.instance:20} {host.state:8} {host.type:12} "
            f"started {host.started:%Y-%m-%d %H:%M}"
        )
    print(f"model    {deployment.store.read_current() or 'none yet'}")
    off = "none (trainer_enabled is false)"
    print(f"trainer  {hosts['trainer'].state if 'trainer' in hosts else off}")


def password(deployment: Deployment, whose: str) -> None:
    """Print the password of the first user or of Grafana's admin."""
    path = f"/{deployment.name}/{whose}-password"
    answer = boto3.client("ssm").get_parameter(Name=path, WithDecryption=True)
    print(answer["Parameter"]["Value"])


def models(deployment: Deployment) -> None:
    """List the published models, oldest first: candidate, refused, approved or served."""
    s3 = boto3.client("s3")
    dated = []
    for version, state in deployment.store.list_models().items():
        key = f"models/{version}/{MANIFEST_NAME}"
        facts = s3.head_object(Bucket=deployment.bucket("artifacts"), Key=key)
        dated.append((facts["LastModified"], version, state))
    if not dated:
        raise CannotDeploy(f"No model is published yet; {COMMAND} apply publishes one.")
    for date, version, state in sorted(dated):
        print(f"{version}  {date:%Y-%m-%d %H:%M}  {state}")


def promote(deployment: Deployment, version: str) -> None:
    """Put a candidate into service if it passes the gate; this downloads it, about 150 MB."""
    if faults := deployment.store.promote(version):
        raise CannotDeploy(f"Model {version} was refused: {' '.join(faults)}")
    print(f"Model {version} is in service; workers switch to it within a minute.")


def switch(deployment: Deployment, version: str) -> None:
    """Put a model back into service: a version promoted before, or the previous one."""
    if version == "previous":
        version = find_previous(deployment)
    deployment.store.switch(version)
    print(f"Model {version} is in service; workers switch to it within a minute.")


def find_previous(deployment: Deployment) -> str:
    """The approved model before the current one, from the old versions of `current`.

    The bucket keeps them for 90 days. Raises CannotDeploy.
    """
    s3, bucket = boto3.client("s3"), deployment.bucket("artifacts")
    current, states = deployment.store.read_current(), deployment.store.list_models()
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=f"models/{CURRENT}"
    )
    for old in pages.search("Versions[]"):  # newest first
        body = s3.get_object(Bucket=bucket, Key=old["Key"], VersionId=old["VersionId"])["Body"]
        with body:
            version = body.read().decode().strip()
        if version != current and states.get(version) == "approved":
            return version
    raise CannotDeploy(f"No other model was served before; {COMMAND} models lists all models.")


def train(deployment: Deployment, *, data: Path | None = None, wait: bool = False) -> None:
    """Start a training run, after uploading new data if given; --wait reports the result."""
    hosts = list_hosts(deployment)
    if "trainer" not in hosts:
        raise CannotDeploy(
            f"There is no trainer; set trainer_enabled = true in terraform.tfvars, then "
            f"{COMMAND} apply"
        )
    trainer = hosts["trainer"]
    if trainer.state != "stopped":
        raise CannotDeploy(
            f"The trainer is {trainer.state}: its first start installs it, or a run is in "
            f"progress; it stops by itself, and {COMMAND} logs trainer shows how far it is."
        )
    if data:
        upload_data(data, deployment.bucket("data"))
    before = deployment.store.list_models()
    try:
        boto3.client("ec2").start_instances(InstanceIds=[trainer.instance])
    except ClientError as error:
        raise CannotDeploy(explain(str(error), "trainer")) from error
    show("The trainer is starting; it publishes a candidate, not yet in service, and powers off.")
    if not wait:
        return
    begin = time.monotonic()
    while (state := list_hosts(deployment)["trainer"].state) != "stopped":
        show(f"{(time.monotonic() - begin) / 60:.0f} min: {state}", lasting=False)
        time.sleep(POLL_SECONDS)
    new = sorted(deployment.store.list_models().keys() - before.keys())
    if not new:
        raise CannotDeploy(f"The run ended without a new model; see {COMMAND} logs trainer.")
    show(
        f"Candidate: {', '.join(new)}. In service: {deployment.store.read_current()}, until "
        f"{COMMAND} promote VERSION."
    )


def logs(deployment: Deployment, host: str, *, follow: bool = False, setup: bool = False) -> None:
    """Print a host's journal or set-up log; of a trainer that is off, the log of its last run."""
    hosts = list_hosts(deployment)
    if host not in hosts:
        raise CannotDeploy(f"There is no host {host}; there are: {', '.join(hosts)}.")
    instance, state = hosts[host].instance, hosts[host].state
    if state != "running":
        if host != "trainer":
            raise CannotDeploy(f"{host} is {state}; {COMMAND} apply")
        print_last_run(deployment)
        return
    if setup:
        print(run_on_host(instance, f"tail -n 200 {SETUP_LOG}"))
        return
    since = "-n 200"
    while True:
        # Not a pipe: it would hide a failure of journalctl and print an empty log.
        command = f"out=$(journalctl -u 'pneumonia-*' --no-pager --show-cursor {since}) || exit 1"
        text, _, cursor = run_on_host(
            instance, f"{command}; printf '%s\n' \"$out\" | tail -c {LOG_BYTES}"
        ).rpartition("-- cursor: ")
        if text := text.replace("-- No entries --\n", ""):
            print(text, end="", flush=True)
        if not follow:
            return
        since = f"--after-cursor='{cursor.strip()}'" if cursor.strip() else since
        time.sleep(POLL_SECONDS)


def print_last_run(deployment: Deployment) -> None:
    """Print the newest log that the trainer uploaded. Raises CannotDeploy."""
    s3, bucket = boto3.client("s3"), deployment.bucket("artifacts")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="models/logs/")
    names = sorted(found["Key"] for found in pages.search("Contents[]") if found)
    if not names:
        raise CannotDeploy(f"The trainer is off and has no log of a run yet; {COMMAND} train")
    with s3.get_object(Bucket=bucket, Key=names[-1])["Body"] as body:
        print(f"The trainer is off; its last run, {names[-1]}:\n{body.read().decode()}", end="")
