"""checkov and tf-nag find in the plan exactly what `terraform/findings.txt` accepts."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.stack import free_ports
from tests.terraform.local_aws import (
    TERRAFORM,
    VALUES,
    copy_configuration,
    point_at_moto,
    running_moto,
    terraform,
)
from tests.terraform.tools import install_tools

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")

Finding = tuple[str, str]
"""A rule, and a resource without its index; where it is accepted, a pattern of resources."""
VARIANTS: tuple[dict[str, str], ...] = (
    {},
    {
        "redis": "elasticache",
        "domain": "xray.example.org",
        "api_count": "2",
        "admin_cidrs": '["203.0.113.7/32"]',
    },
)
PUBLIC_BUCKET = """
resource "aws_s3_bucket" "extra" {
  bucket = "extra"
  acl    = "public-read"
}
"""
ALL_SECRETS = """
resource "aws_iam_role_policy_attachment" "extra" {
  role       = aws_iam_role.hosts["nginx"].name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}
"""
ALL_RIGHTS = """
resource "aws_iam_role_policy" "extra" {
  role   = aws_iam_role.flow.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}
"""


def read_accepted() -> set[Finding]:
    """The accepted findings; each needs a reason."""
    accepted = set()
    for line in (TERRAFORM / "findings.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            found = re.fullmatch(r"(\S+) (\S+) +# \S.*", line)
            assert found, f"not RULE RESOURCE # reason: {line}"
            accepted.add((found[1], found[2]))
    return accepted


def scan(folder: Path, variables: dict[str, str]) -> set[Finding]:
    """The findings of both tools in the plan of a folder."""
    arguments = ("-input=false", "-out=plan", "-no-color")
    terraform(folder, "plan", *arguments, variables={**VALUES, **variables})
    plan = folder / "plan.json"
    plan.write_text(terraform(folder, "show", "-json", "plan").stdout)
    tools = install_tools()
    checkov = ["checkov", "--framework", "terraform_plan", "--skip-download", "--soft-fail"]
    report = run(tools, *checkov, "--compact", "--output", "json", "--file", str(plan))
    assert report["summary"]["passed"] > 300 and report["summary"]["parsing_errors"] == 0
    nag = run(
        tools,
        "tf-nag",
        "scan",
        "--strict",
        "--fail-on=never",
        "--format=json",
        "--plan-json",
        str(plan),
    )
    found = [(check["check_id"], check["resource"]) for check in report["results"]["failed_checks"]]
    found += [(finding["rule_id"], finding["address"]) for finding in nag]
    return {(rule, re.sub(r"\[[^]]*\]", "", resource)) for rule, resource in found}


def run(tools: Path, command: str, *arguments: str) -> Any:
    """The JSON that a tool prints."""
    done = subprocess.run(
        [tools / command, *arguments], capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout)


def is_accepted(finding: Finding, accepted: Finding) -> bool:
    """Whether a line of the list matches a finding."""
    return finding[0] == accepted[0] and fnmatchcase(finding[1], accepted[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An initialised copy."""
    copied = copy_configuration(tmp_path_factory.mktemp("findings") / "terraform")
    with running_moto(free_ports()["PORT"]) as address:
        point_at_moto(copied, address)
        terraform(copied, "init", "-input=false")
        yield copied


def test_findings_are_those_that_are_accepted(folder: Path) -> None:
    """The default plan and one with every option have exactly the accepted findings."""
    found = {finding for variables in VARIANTS for finding in scan(folder, variables)}
    accepted = read_accepted()
    assert [f for f in sorted(found) if not any(is_accepted(f, line) for line in accepted)] == []
    assert [line for line in sorted(accepted) if not any(is_accepted(f, line) for f in found)] == []


def test_faults_are_found(folder: Path) -> None:
    """Each tool finds deliberate faults, such as a policy that exposes all secrets to a host."""
    extra = folder / "extra.tf"
    extra.write_text(PUBLIC_BUCKET + ALL_SECRETS + ALL_RIGHTS)
    try:
        found = scan(folder, {})
    finally:
        extra.unlink()
    assert found >= {
        ("CKV_AWS_20", "aws_s3_bucket.extra"),
        ("CKV_AWS_62", "aws_iam_role_policy.extra"),
        ("AwsSolutions-S1", "aws_s3_bucket.extra"),
        ("AwsSolutions-IAM4", "aws_iam_role_policy_attachment.extra"),
        ("AwsSolutions-IAM5", "aws_iam_role_policy.extra"),
    }
