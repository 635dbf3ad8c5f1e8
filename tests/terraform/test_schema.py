"""`terraform/`, unchanged, against the schema of AWS provider 6.62.

Of the newer provider there is the schema alone: names, types, blocks and what is required. Values
that it would refuse are checked one by one, in test_values.py.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.terraform.local_aws import TERRAFORM, terraform
from tests.terraform.provider_schema import read_schema
from tests.terraform.tools import install_tools

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")
STUB = Path(__file__).with_name("provider_stub.py")


@pytest.fixture(scope="module")
def reattach(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Make Terraform use a provider with that schema instead of starting one."""
    home = tmp_path_factory.mktemp("s")
    schema = home / "schema.json"
    schema.write_text(json.dumps(read_schema(TERRAFORM)))
    command = [install_tools() / "python", STUB, schema, home / "socket"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            address = process.stdout.readline()
            assert address, "the stub of the provider did not start"
            yield {"TF_REATTACH_PROVIDERS": address}
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def folder(reattach: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised copy of `terraform/`, without translated names."""
    copied = tmp_path_factory.mktemp("schema") / "terraform"
    shutil.copytree(TERRAFORM, copied, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    terraform(copied, "init", "-input=false", environment=reattach)
    return copied


def test_configuration_is_valid(folder: Path, reattach: Mapping[str, str]) -> None:
    """No name is unknown, and no required argument is missing."""
    done = terraform(folder, "validate", "-no-color", environment=reattach)
    assert "The configuration is valid" in done.stdout


def test_plans_hold(folder: Path, reattach: Mapping[str, str]) -> None:
    """`terraform test` passes with the newer provider."""
    done = terraform(folder, "test", "-no-color", environment=reattach)
    assert " passed, 0 failed" in done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        (
            "network.tf",
            '"aws_eip" "nat" {',
            '"aws_eip" "nat" {\n  vpc = true',
            "Unsupported argument",
        ),
        (
            "elasticache.tf",
            "num_cache_clusters         = 2",
            "number_cache_clusters      = 2",
            "Unsupported argument",
        ),
        ("storage.tf", "  versioning {", "  versions {", "Unsupported block type"),
        ("security.tf", '  type              = "ingress"\n', "", "Missing required argument"),
        ("compute.tf", "volume_size = 10", 'volume_size = "ten"', "Incorrect attribute value type"),
        (
            "compute.tf",
            "  root_block_device {",
            "  root_block_device {}\n\n  root_block_device {",
            "Too many root_block_device blocks",
        ),
        (
            "outputs.tf",
            "aws_eip.nginx.public_ip",
            "aws_eip.nginx.address_ip",
            "Unsupported attribute",
        ),
        (
            "trainer.tf",
            '"aws_cloudwatch_metric_alarm"',
            '"aws_cloudwatch_alarm"',
            "Invalid resource",
        ),
    ],
    ids=["gone", "old-name", "block", "required", "type", "twice", "attribute", "resource"],
)
def test_fault_is_found(
    folder: Path, reattach: Mapping[str, str], file: str, old: str, new: str, fault: str
) -> None:
    """A removed, a missing and a mistyped argument, among others, are found."""
    target = folder / file
    text = target.read_text()
    assert old in text
    target.write_text(text.replace(old, new, 1))
    try:
        done = terraform(folder, "validate", "-no-color", check=False, environment=reattach)
    finally:
        target.write_text(text)
    assert done.returncode == 1 and fault in done.stdout
