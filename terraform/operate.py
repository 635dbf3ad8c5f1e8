"""A deployment at work: what runs, which model is served, training, logs."""

import argparse
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from model.serving.artifact_store import CURRENT, ArtifactStore
from model.serving.manifest import MANIFEST_NAME
from terraform.provision import CannotDeploy, explain, read_setting, show
from terraform.training_data import upload_data

COMMAND = ".venv/bin/python terraform/deploy.py"
SETUP_LOG = "/var/log/pneumonia-setup.log"
SET_UP = "/opt/pneumonia/set-up"
"""Is there when a host's script has succeeded."""

LOG_BYTES = 20000
"""Of what a host prints; Systems Manager hands over 24,000 characters from the beginning."""

POLL_SECONDS = 5


class Deployment(NamedTuple):
    """Where it is and what it is called, by which all of its parts are found."""

    folder: Path
    name: str
    region: str
    account: str

    def bucket(self, purpose: str) -> str:
        """As storage.tf names it."""
        return f"{self.name}-{purpose}-{self.account}"

    @property
    def store(self) -> ArtifactStore:
        """The models, and which one is served."""
        return ArtifactStore(f"s3://{self.bucket('artifacts')}/models")


def find_deployment(folder: Path) -> Deployment:
    """By terraform.tfvars and the credentials. Raises CannotDeploy and what boto3 raises."""
    if not (folder / "terraform.tfvars").is_file():
        raise CannotDeploy(
            f"{folder}/terraform.tfvars is missing; copy terraform.tfvars.example to it and fill "
            "it in."
        )
    region = read_setting(folder, "region")
    os.environ["AWS_DEFAULT_REGION"] = region  # for boto3 and for s3fs
    account = boto3.client("sts").get_caller_identity()["Account"]
    return Deployment(folder, read_setting(folder, "name"), region, account)


def find_address(deployment: Deployment) -> tuple[str, str]:
    """Where the site is, by name if it has one, and its address in numbers."""
    ours = [{"Name": "tag:Name", "Values": [f"{deployment.name}-nginx"]}]
    found = boto3.client("ec2").describe_addresses(Filters=ours)["Addresses"]
    if not found:
        raise CannotDeploy(
            f"{deployment.name} is not deployed in {deployment.region}; {COMMAND} apply"
        )
    public = found[0]["PublicIp"]
    return f"https://{read_setting(deployment.folder, 'domain') or public}", public


def probe_site(address: str) -> str:
    """Why it does not answer; nothing when it does. Without a domain its certificate is its own."""
    context = ssl.create_default_context()
    if re.fullmatch(r"https://[0-9.]+(:\d+)?", address):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"{address}/login", timeout=5, context=context):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return f"HTTP {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def list_hosts(deployment: Deployment) -> dict[str, Any]:
    """Instances by host, such as nginx and api-0; those that are gone are left out."""
    pages = boto3.client("ec2").get_paginator("describe_instances")
    filters = [
        {"Name": "tag:Project", "Values": [deployment.name]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    instances = pages.paginate(Filters=filters).search("Reservations[].Instances[]")
    found = {}
    for instance in instances:
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        found[tags["Name"].removeprefix(f"{deployment.name}-")] = instance
    return dict(sorted(found.items()))


def find_hosts_not_set_up(deployment: Deployment) -> dict[str, str]:
    """What is known of each such host. A trainer that is off has set itself up, or was never on."""
    missing = {}
    for host, instance in list_hosts(deployment).items():
        state = instance["State"]["Name"]
        if host == "trainer" and state == "stopped":
            continue
        if state != "running":
            missing[host] = f"it is {state}"
        else:
            try:
                said = run_on_host(instance["InstanceId"], f"test -e {SET_UP} && echo set up || :")
            except CannotDeploy as error:
                missing[host] = str(error)
            else:
                if said.strip() != "set up":
                    missing[host] = "its set-up goes on"
    return missing


def status(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Address, hosts, model and trainer."""
    del arguments
    address, _ = find_address(deployment)
    why = probe_site(address)
    print(f"site     {address}  {f'does not answer ({why})' if why else 'answers'}")
    hosts = list_hosts(deployment)
    for host, instance in hosts.items():
        since = f"{instance['LaunchTime']:%Y-%m-%d %H:%M}"
        state = f"{instance['State']['Name']:8} {instance['InstanceType']:12} started {since}"
        print(f"{host:12} {instance['InstanceId']:20} {state}")
    print(f"model    {deployment.store.read_current() or 'none yet'}")
    off = "none (trainer_enabled is false)"
    print(f"trainer  {hosts['trainer']['State']['Name'] if 'trainer' in hosts else off}")


def password(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Print the first user's, or Grafana's."""
    path = f"/{deployment.name}/{arguments.whose}-password"
    answer = boto3.client("ssm").get_parameter(Name=path, WithDecryption=True)
    print(answer["Parameter"]["Value"])


def models(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """List what was published, oldest first: candidate, refused, approved or served."""
    del arguments
    s3 = boto3.client("s3")
    dated = []
    for version, state in deployment.store.list_models().items():
        key = f"models/{version}/{MANIFEST_NAME}"
        facts = s3.head_object(Bucket=deployment.bucket("artifacts"), Key=key)
        dated.append((facts["LastModified"], version, state))
    if not dated:
        raise CannotDeploy(f"No model was published yet; {COMMAND} apply does it.")
    for date, version, state in sorted(dated):
        print(f"{version}  {date:%Y-%m-%d %H:%M}  {state}")


def promote(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Serve a candidate, if it passes the gate; this downloads it, about 150 MB."""
    version = arguments.version
    if faults := deployment.store.promote(version):
        raise CannotDeploy(f"Model {version} is refused: {' '.join(faults)}")
    print(f"Model {version} is served; workers go over to it within a minute.")


def switch(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Serve another version that was promoted before, or the one served before this one."""
    version = arguments.version
    if version == "previous":
        version = find_previous(deployment)
    deployment.store.switch(version)
    print(f"Model {version} is served; workers go over to it within a minute.")


def find_previous(deployment: Deployment) -> str:
    """What the bucket remembers of `current`: old versions of objects are kept for 90 days."""
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
    raise CannotDeploy(f"No other model was served before; {COMMAND} models lists what is there.")


def train(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Start a training run, on new data if there is some; with --wait, say what came of it."""
    hosts = list_hosts(deployment)
    if "trainer" not in hosts:
        raise CannotDeploy(
            f"There is no trainer; set trainer_enabled = true in terraform.tfvars, then "
            f"{COMMAND} apply"
        )
    state, instance = hosts["trainer"]["State"]["Name"], hosts["trainer"]["InstanceId"]
    if state != "stopped":
        raise CannotDeploy(
            f"The trainer is {state}: it installs itself after its first start, or a run goes on; "
            f"it stops by itself, and {COMMAND} logs trainer tells of it."
        )
    if arguments.data:
        upload_data(arguments.data, deployment.bucket("data"))
    before = deployment.store.list_models()
    try:
        boto3.client("ec2").start_instances(InstanceIds=[instance])
    except ClientError as error:
        raise CannotDeploy(explain(str(error), "trainer")) from error
    show("The trainer starts; it publishes a candidate, served to nobody, and stops by itself.")
    if not arguments.wait:
        return
    begin = time.monotonic()
    while (state := list_hosts(deployment)["trainer"]["State"]["Name"]) != "stopped":
        show(f"{(time.monotonic() - begin) / 60:.0f} min: {state}", lasting=False)
        time.sleep(POLL_SECONDS)
    new = sorted(deployment.store.list_models().keys() - before.keys())
    if not new:
        raise CannotDeploy(f"The run ended without a new model; {COMMAND} logs trainer says why.")
    show(
        f"Candidate: {', '.join(new)}. Served: {deployment.store.read_current()}, until "
        f"{COMMAND} promote VERSION."
    )


def logs(deployment: Deployment, arguments: argparse.Namespace) -> None:
    """Print a host's journal, or how its setup went; a trainer that is off left its last run's."""
    hosts = list_hosts(deployment)
    if arguments.host not in hosts:
        raise CannotDeploy(f"There is no host {arguments.host}; there are: {', '.join(hosts)}.")
    instance = hosts[arguments.host]
    if instance["State"]["Name"] != "running":
        if arguments.host != "trainer":
            raise CannotDeploy(f"{arguments.host} is {instance['State']['Name']}; {COMMAND} apply")
        print_last_run(deployment)
        return
    if arguments.setup:
        print(run_on_host(instance["InstanceId"], f"tail -n 200 {SETUP_LOG}"))
        return
    since = "-n 200"
    while True:
        # Not a pipe: tail would succeed where journalctl failed, and an empty log be believed.
        command = f"out=$(journalctl -u 'pneumonia-*' --no-pager --show-cursor {since}) || exit 1"
        text, _, cursor = run_on_host(
            instance["InstanceId"], f"{command}; printf '%s\n' \"$out\" | tail -c {LOG_BYTES}"
        ).rpartition("-- cursor: ")
        if text := text.replace("-- No entries --\n", ""):
            print(text, end="", flush=True)
        if not arguments.follow:
            return
        since = f"--after-cursor='{cursor.strip()}'" if cursor.strip() else since
        time.sleep(POLL_SECONDS)


def print_last_run(deployment: Deployment) -> None:
    """The newest log that the trainer uploaded. Raises CannotDeploy."""
    s3, bucket = boto3.client("s3"), deployment.bucket("artifacts")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="models/logs/")
    names = sorted(found["Key"] for found in pages.search("Contents[]") if found)
    if not names:
        raise CannotDeploy(f"The trainer is off and has no log of a run yet; {COMMAND} train")
    with s3.get_object(Bucket=bucket, Key=names[-1])["Body"] as body:
        print(f"The trainer is off; its last run, {names[-1]}:\n{body.read().decode()}", end="")


def run_on_host(instance: str, command: str) -> str:
    """What it prints there, by Systems Manager. Raises CannotDeploy."""
    ssm = boto3.client("ssm")
    try:
        sent = ssm.send_command(
            InstanceIds=[instance],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": [command]},
        )["Command"]["CommandId"]
    except ssm.exceptions.InvalidInstanceId as error:
        raise CannotDeploy(
            "Systems Manager does not know the host; its agent reports some minutes after the "
            "start, so try again; if it never does, AWS's console shows the host's system log."
        ) from error
    for _ in range(60):
        try:
            done = ssm.get_command_invocation(CommandId=sent, InstanceId=instance)
        except ssm.exceptions.InvocationDoesNotExist:
            done = {"Status": "Pending"}
        if done["Status"] == "Success":
            return str(done["StandardOutputContent"])
        if done["Status"] not in ("Pending", "InProgress", "Delayed"):
            raise CannotDeploy(
                f"The host could not say it: {explain(done['StandardErrorContent'])}"
            )
        time.sleep(1)
    raise CannotDeploy("The host did not answer within a minute; try again.")
