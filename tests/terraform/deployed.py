"""A deployment that deploy.py has applied to a mock of AWS."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from tests.stack import ROOT

SCRIPT = [sys.executable, "terraform/deploy.py"]

# moto ignores conditions of a policy, so a Deny for calls without TLS would deny every call.
OTHER_POLICY = """
resource "aws_s3_bucket_policy" "tls_only" {
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Principal = "*", Action = "s3:PutObjectAcl", Resource = "*" }]
  })
}
"""


class Deployment(NamedTuple):
    """A deployment, and the output of `apply`: interrupted first, then complete."""

    folder: Path
    environment: dict[str, str]
    interrupted: str
    applied: subprocess.CompletedProcess[str]

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """One command of deploy.py."""
        return run_deploy(self.folder, self.environment, *arguments, **more)

    def client(self, service: str) -> Any:
        """A boto3 client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def trainer(self) -> str:
        """Its instance."""
        role = [{"Name": "tag:Role", "Values": ["trainer"]}]
        [found] = self.client("ec2").describe_instances(Filters=role)["Reservations"]
        return str(found["Instances"][0]["InstanceId"])

    def read_state(self, instance: str) -> str:
        """What EC2 says of an instance: running, stopped, ..."""
        [found] = self.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"]
        return str(found["Instances"][0]["State"]["Name"])


def run_deploy(
    folder: Path, environment: dict[str, str], *arguments: str, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run deploy.py on a copy of the folder, with separate output and errors."""
    more.setdefault("stdin", subprocess.DEVNULL if "input" not in more else None)
    return subprocess.run(
        [*SCRIPT, "--folder", str(folder), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **{key: value for key, value in more.items() if value is not None},
    )


def interrupt(folder: Path, environment: dict[str, str]) -> str:
    """Press Ctrl-C once Terraform has begun to build; the output from then on."""
    command = [*SCRIPT, "--folder", str(folder), "apply", "--yes", "--no-wait"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("[1/1"):  # of the main run, not of the four buckets
                os.killpg(process.pid, signal.SIGINT)
                break
        rest = process.stdout.read()
    assert process.returncode == 1
    return rest
