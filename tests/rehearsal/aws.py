"""AWS in a namespace: moto for its services, the metadata service, and the plan applied there."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.rehearsal.network import AWS, METADATA, OUTSIDE, Plan, inside, open_aws, read_plan
from tests.stack import ROOT
from tests.terraform.local_aws import VALUES, copy_configuration, point_at_moto, terraform

ENDPOINT = f"http://{AWS}"
RELEASE = "release-rehearsal.tar.gz"
ACCOUNT = "123456789012"
"""moto's."""
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
CREDENTIALS = {
    "AWS_ENDPOINT_URL": ENDPOINT,
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


@contextmanager
def running_aws() -> Iterator[None]:
    """Amazon's services, with nothing in them, in their namespace."""
    open_aws()
    with ExitStack() as stack:
        for module, *arguments in (
            ("tests.terraform.moto_server", "-H", AWS, "-p", "80"),
            ("tests.rehearsal.metadata", METADATA),
        ):
            with inside("aws"):
                process = subprocess.Popen(
                    [sys.executable, "-m", module, *arguments],
                    cwd=ROOT,
                    env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            stack.callback(process.wait, 10)
            stack.callback(process.terminate)
        with inside("aws"), requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.1)))
            session.get(f"{ENDPOINT}/moto-api/", timeout=10)
        yield


def client(service: str) -> Any:
    """AWS's own client; to be used inside the namespace `aws`."""
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def apply(folder: Path) -> Plan:
    """Apply `terraform/` there, and the plan of what is there now, with each host's script."""
    copied = copy_configuration(folder / "terraform")
    with inside("aws"):
        point_at_moto(copied, ENDPOINT)
        terraform(copied, "init", "-input=false")
        terraform(copied, "apply", "-auto-approve", "-input=false", variables=SETTINGS)
        terraform(copied, "plan", "-input=false", "-out=plan", variables=SETTINGS)
        shown = json.loads(terraform(copied, "show", "-json", "plan").stdout)
        plan = read_plan(shown)
        ec2 = client("ec2")
        for reservation in ec2.describe_instances()["Reservations"]:
            for instance in reservation["Instances"]:
                host = next(
                    h for h in plan.hosts.values() if h.address == instance["PrivateIpAddress"]
                )
                # As the host would get it; the provider's plan has only its digest.
                told = ec2.describe_instance_attribute(
                    InstanceId=instance["InstanceId"], Attribute="userData"
                )
                script = base64.b64decode(told["UserData"]["Value"]).decode()
                plan.hosts[host.name] = replace(host, script=script)
    return plan


def open_buckets() -> None:
    """Without their rule that only TLS is answered: here they speak HTTP.

    moto passes over a policy's conditions, so it would refuse TLS as well.
    """
    with inside("aws"):
        s3 = client("s3")
        for found in s3.list_buckets()["Buckets"]:
            s3.delete_bucket_policy(Bucket=found["Name"])


def bucket(name: str) -> str:
    """The bucket's full name."""
    return f"pneumonia-{name}-{ACCOUNT}"


def upload_release() -> None:
    """What is committed here, and what was changed since in files that git knows."""
    made = subprocess.run(
        ["git", "stash", "create"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / RELEASE
        command = ["git", "archive", "--format=tar.gz", "-o", str(archive), made or "HEAD"]
        subprocess.run(command, cwd=ROOT, check=True)
        with inside("aws"):
            client("s3").upload_file(str(archive), bucket("releases"), RELEASE)


def upload_data(samples: Path) -> None:
    """Three quarters of the sample X-rays to train on, the others to test on."""
    with inside("aws"):
        s3 = client("s3")
        for label, pattern in (("NORMAL", "NORMAL*"), ("PNEUMONIA", "person*")):
            files = sorted(samples.glob(pattern))
            for index, file in enumerate(files):
                part = "train" if index < len(files) * 3 // 4 else "test"
                s3.upload_file(str(file), bucket("data"), f"kermany/{part}/{label}/{file.name}")


def run_store(*arguments: str) -> str:
    """`python -m model.artifact_store` as an administrator runs it; what it printed."""
    command = [sys.executable, "-m", "model.artifact_store", *arguments]
    command += ["--store", f"s3://{bucket('artifacts')}/models"]
    with inside("aws"):
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **CREDENTIALS},
            capture_output=True,
            text=True,
            check=True,
        ).stdout


def secret(name: str) -> str:
    """A generated secret."""
    with inside("aws"):
        found = client("ssm").get_parameter(Name=f"/pneumonia/{name}", WithDecryption=True)
    return str(found["Parameter"]["Value"])
