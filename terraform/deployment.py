"""A deployment on AWS: its settings, its hosts, and whether the site answers."""

import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import boto3

from model.serving.artifact_store import ArtifactStore
from terraform.errors import CannotDeploy, explain

COMMAND = ".venv/bin/python terraform/deploy.py"
SETUP_LOG = "/var/log/pneumonia-setup.log"
SET_UP = "/opt/pneumonia/set-up"
"""Exists on a host whose script has succeeded."""

PURPOSES = ("images", "artifacts", "releases", "data")
"""One bucket for each."""


@dataclass(frozen=True)
class Deployment:
    """Where the Terraform files are, and the names by which its resources are found."""

    folder: Path
    name: str
    region: str
    account: str

    def bucket(self, purpose: str) -> str:
        """The name that storage.tf gives the bucket."""
        return f"{self.name}-{purpose}-{self.account}"

    @property
    def store(self) -> ArtifactStore:
        """The published models, and which one is in service."""
        return ArtifactStore(f"s3://{self.bucket('artifacts')}/models")


@dataclass(frozen=True)
class Host:
    """An EC2 instance of the deployment."""

    instance: str
    """Its id."""

    state: str
    type: str
    started: datetime


def find_deployment(folder: Path) -> Deployment:
    """The deployment that terraform.tfvars and the credentials name.

    Raises CannotDeploy and what boto3 raises.
    """
    if not (folder / "terraform.tfvars").is_file():
        raise CannotDeploy(
            f"{folder}/terraform.tfvars is missing; copy terraform.tfvars.example to it and fill "
            "it in."
        )
    region = read_setting(folder, "region")
    os.environ["AWS_DEFAULT_REGION"] = region  # for boto3 and s3fs
    account = boto3.client("sts").get_caller_identity()["Account"]
    return Deployment(folder, read_setting(folder, "name"), region, account)


def read_setting(folder: Path, name: str) -> str:
    """A string variable: from the tfvars files, the environment, or its default."""
    for file in (*sorted(folder.glob("*.auto.tfvars"), reverse=True), folder / "terraform.tfvars"):
        if found := re.search(rf'(?m)^\s*{name}\s*=\s*"(.*)"', file.read_text()):
            return found[1]
    default = rf'variable "{name}" {{.*?\n  default\s*=\s*"(.*?)"\n'
    found = re.search(default, (folder / "variables.tf").read_text(), re.DOTALL)
    return os.environ.get(f"TF_VAR_{name}") or (found[1] if found else "")


def find_address(deployment: Deployment) -> tuple[str, str]:
    """The URL of the site, and its public IP address. Raises CannotDeploy."""
    named = [{"Name": "tag:Name", "Values": [f"{deployment.name}-nginx"]}]
    found = boto3.client("ec2").describe_addresses(Filters=named)["Addresses"]
    if not found:
        raise CannotDeploy(
            f"{deployment.name} is not deployed in {deployment.region}; {COMMAND} apply"
        )
    public = found[0]["PublicIp"]
    return f"https://{read_setting(deployment.folder, 'domain') or public}", public


def probe_site(address: str) -> str:
    """Why the site does not answer; an empty string if it does.

    An IP address has a self-signed certificate, which is accepted.
    """
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


def list_hosts(deployment: Deployment) -> dict[str, Host]:
    """The hosts by name, such as nginx and api-0, without terminated ones."""
    pages = boto3.client("ec2").get_paginator("describe_instances")
    filters = [
        {"Name": "tag:Project", "Values": [deployment.name]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    hosts = {}
    for found in pages.paginate(Filters=filters).search("Reservations[].Instances[]"):
        tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
        hosts[tags["Name"].removeprefix(f"{deployment.name}-")] = Host(
            instance=found["InstanceId"],
            state=found["State"]["Name"],
            type=found["InstanceType"],
            started=found["LaunchTime"],
        )
    return dict(sorted(hosts.items()))


def find_hosts_not_set_up(deployment: Deployment) -> dict[str, str]:
    """The reason by host; a trainer that is off has been set up, or was never started."""
    reasons = {}
    for name, host in list_hosts(deployment).items():
        if name == "trainer" and host.state == "stopped":
            continue
        if host.state != "running":
            reasons[name] = f"it is {host.state}"
            continue
        try:
            printed = run_on_host(host.instance, f"test -e {SET_UP} && echo set up || :")
        except CannotDeploy as error:
            reasons[name] = str(error)
        else:
            if printed.strip() != "set up":
                reasons[name] = "its set-up is in progress"
    return reasons


def run_on_host(instance: str, command: str) -> str:
    """What the command prints on the host, run by Systems Manager. Raises CannotDeploy."""
    ssm = boto3.client("ssm")
    try:
        sent = ssm.send_command(
            InstanceIds=[instance],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": [command]},
        )["Command"]["CommandId"]
    except ssm.exceptions.InvalidInstanceId as error:
        raise CannotDeploy(
            "Systems Manager does not know the host; its agent registers some minutes after the "
            "start, so try again; if it never does, see the host's system log in the AWS console."
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
                f"The command failed on the host: {explain(done['StandardErrorContent'])}"
            )
        time.sleep(1)
    raise CannotDeploy("The host did not answer within a minute; try again.")
