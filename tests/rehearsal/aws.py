"""AWS in a network namespace: moto, the metadata service, and the applied plan."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.rehearsal.metadata import MetadataServer, running_metadata
from tests.rehearsal.network import AWS, METADATA, OUTSIDE, Plan, inside, open_aws, read_plan
from tests.stack import ROOT
from tests.terraform.local_aws import VALUES, copy_configuration, point_at_moto, terraform

ENDPOINT = f"http://{AWS}"
RELEASE = "release-rehearsal.tar.gz"
ACCOUNT = "123456789012"
"""The account id of moto."""
REGION = "eu-central-1"
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
SETTINGS = {
    **VALUES,
    "release": RELEASE,
    "endpoint_url": ENDPOINT,
    "api_count": "2",
    "admin_cidrs": json.dumps([f"{OUTSIDE['admin']}/32"]),
    "tensorflow": "tensorflow",
    "training_options": "--weights none --epochs 1 --head-epochs 1 --batch 4 --dense 8 "
    "--validation-share 0.25",
}


class Account:
    """AWS, as an administrator uses it."""

    def __init__(self, metadata: MetadataServer) -> None:
        self._metadata = metadata
        self._keys = {
            "AWS_ENDPOINT_URL": ENDPOINT,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def client(self, service: str) -> Any:
        """A boto3 client; use it inside the namespace `aws`."""
        return boto3.client(
            service,
            endpoint_url=ENDPOINT,
            region_name=REGION,
            aws_access_key_id=self._keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._keys["AWS_SECRET_ACCESS_KEY"],
        )

    def apply(self, folder: Path) -> Plan:
        """Apply `terraform/`; return the resulting plan with each host's script."""
        copied = copy_configuration(folder / "terraform")
        with inside("aws"):
            point_at_moto(copied, ENDPOINT)
            terraform(copied, "init", "-input=false")
            terraform(copied, "apply", "-auto-approve", "-input=false", variables=SETTINGS)
            terraform(copied, "plan", "-input=false", "-out=plan", variables=SETTINGS)
            plan = read_plan(json.loads(terraform(copied, "show", "-json", "plan").stdout))
            ec2 = self.client("ec2")
            for reservation in ec2.describe_instances()["Reservations"]:
                for instance in reservation["Instances"]:
                    address = instance["PrivateIpAddress"]
                    host = next(h for h in plan.hosts.values() if h.address == address)
                    # From the API, because the plan only contains the script's digest.
                    answer = ec2.describe_instance_attribute(
                        InstanceId=instance["InstanceId"], Attribute="userData"
                    )
                    script = base64.b64decode(answer["UserData"]["Value"]).decode()
                    plan.hosts[host.name] = replace(host, script=script)
        return plan

    def guard(self, plan: Plan) -> None:
        """From here on permissions are enforced: each host has its role's, this account has all.

        The buckets' policy that requires TLS is deleted: moto uses HTTP here, and as it ignores the
        conditions of a policy, it would refuse TLS as well.
        """
        with inside("aws"):
            s3 = self.client("s3")
            for found in s3.list_buckets()["Buckets"]:
                s3.delete_bucket_policy(Bucket=found["Name"])
            sts = self.client("sts")
            for host in plan.hosts.values():
                given = sts.assume_role(RoleArn=host.role, RoleSessionName=host.name)["Credentials"]
                self._metadata.credentials[host.address] = {
                    "AccessKeyId": given["AccessKeyId"],
                    "SecretAccessKey": given["SecretAccessKey"],
                    "Token": given["SessionToken"],
                    "LastUpdated": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "Expiration": f"{given['Expiration']:%Y-%m-%dT%H:%M:%SZ}",
                }
            iam = self.client("iam")
            iam.create_user(UserName="administrator")
            iam.put_user_policy(
                UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING)
            )
            key = iam.create_access_key(UserName="administrator")["AccessKey"]
            self._keys["AWS_ACCESS_KEY_ID"] = key["AccessKeyId"]
            self._keys["AWS_SECRET_ACCESS_KEY"] = key["SecretAccessKey"]
            requests.post(f"{ENDPOINT}/moto-api/reset-auth", data="0", timeout=10)

    def upload_release(self) -> None:
        """The release: HEAD with the uncommitted changes of tracked files."""
        made = subprocess.run(
            ["git", "stash", "create"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / RELEASE
            command = ["git", "archive", "--format=tar.gz", "-o", str(archive), made or "HEAD"]
            subprocess.run(command, cwd=ROOT, check=True)
            with inside("aws"):
                self.client("s3").upload_file(str(archive), bucket("releases"), RELEASE)

    def upload_data(self, samples: Path) -> None:
        """A data set: three quarters of the sample X-rays for training, the rest for the test."""
        with inside("aws"):
            s3 = self.client("s3")
            for label, pattern in (("NORMAL", "NORMAL*"), ("PNEUMONIA", "person*")):
                files = sorted(samples.glob(pattern))
                for index, file in enumerate(files):
                    part = "train" if index < len(files) * 3 // 4 else "test"
                    s3.upload_file(str(file), bucket("data"), f"kermany/{part}/{label}/{file.name}")

    def run_store(self, *arguments: str) -> str:
        """The output of `python -m model.serving.artifact_store`, run as an administrator."""
        command = [sys.executable, "-m", "model.serving.artifact_store", *arguments]
        command += ["--store", f"s3://{bucket('artifacts')}/models"]
        with inside("aws"):
            return subprocess.run(
                command,
                cwd=ROOT,
                env={**os.environ, **self._keys},
                capture_output=True,
                text=True,
                check=True,
            ).stdout

    def secret(self, name: str) -> str:
        """A generated secret."""
        with inside("aws"):
            ssm = self.client("ssm")
            found = ssm.get_parameter(Name=f"/pneumonia/{name}", WithDecryption=True)
        return str(found["Parameter"]["Value"])


@contextmanager
def running_aws() -> Iterator[Account]:
    """Empty AWS services in their namespace."""
    open_aws()
    with ExitStack() as stack:
        with inside("aws"):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.terraform.moto_server", "-H", AWS, "-p", "80"],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            metadata = stack.enter_context(running_metadata(METADATA))
            with requests.Session() as session:
                retries = Retry(connect=12, backoff_factor=0.1)
                session.mount("http://", HTTPAdapter(max_retries=retries))
                session.get(f"{ENDPOINT}/moto-api/", timeout=10)
        yield Account(metadata)


def bucket(name: str) -> str:
    """The bucket's full name."""
    return f"pneumonia-{name}-{ACCOUNT}"
