"""Deliberate faults: each is put into a formatted copy and found by the checks."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import free_ports
from tests.terraform.local_aws import (
    copy_configuration,
    point_at_moto,
    render,
    running_moto,
    terraform,
)
from tests.terraform.plan_checks import SCRIPTS, find_faults, find_script_faults

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")

OPEN_REDIS = """
resource "aws_security_group_rule" "redis_for_all" {
  type              = "ingress"
  security_group_id = aws_security_group.hosts["redis"].id
  cidr_blocks       = ["0.0.0.0/0"]
  protocol          = "tcp"
  from_port         = 6379
  to_port           = 6379
}
"""
REQUIRED = '    http_tokens = "required"'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An initialised copy."""
    copied = copy_configuration(tmp_path_factory.mktemp("mutations") / "terraform")
    with running_moto(free_ports()["PORT"]) as address:
        point_at_moto(copied, address)
        terraform(copied, "init", "-input=false")
        yield copied


def plan_faults(folder: Path) -> list[str]:
    """The faults of the plan, or why there is none."""
    done = terraform(folder, "plan", "-input=false", "-out=plan", "-no-color", check=False)
    if done.returncode:
        return [done.stdout]
    plan = json.loads(terraform(folder, "show", "-json", "plan").stdout)
    return find_faults(plan) + find_script_faults({host: render(folder, host) for host in SCRIPTS})


def test_plan_has_no_fault(folder: Path) -> None:
    """The unchanged copy has no fault."""
    assert plan_faults(folder) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("security.tf", "", OPEN_REDIS, "redis_for_all is open to 0.0.0.0/0"),
        ("compute.tf", REQUIRED, REQUIRED.replace("required", "optional"), "nginx answers without"),
        ("trainer.tf", f"\n\n{REQUIRED}", "", "trainer[0] answers without"),
        (
            "compute.tf",
            "encrypted         = true",
            "encrypted         = false",
            "redis[0] is not encrypted",
        ),
        ("trainer.tf", "encrypted   = true", "encrypted   = false", "not encrypted"),
        ("main.tf", "redis          = 6379", "redis          = 6380", "has the ports [6380]"),
        ("user_data/web.sh", "}:5000", "}:5001", "not 5000"),
        ("user_data/api.sh", "}:6379/0", "}:6378/0", "not 6379"),
        ("compute.tf", "nginx_address = local.addresses.nginx, ", "", "nginx_address"),
    ],
    ids=[
        "open-redis",
        "imds",
        "no-imds",
        "volume",
        "root-disk",
        "port",
        "web-port",
        "redis-port",
        "variable",
    ],
)
def test_fault_is_found(folder: Path, file: str, old: str, new: str, fault: str) -> None:
    """The fault is found, and not only by its formatting."""
    target = folder / file
    text = target.read_text()
    assert old in text
    target.write_text(text.replace(old, new, 1) if old else text + new)
    try:
        if target.suffix == ".tf":
            assert terraform(folder, "fmt", "-check", file, check=False).returncode == 0
        assert fault in "\n".join(plan_faults(folder))
    finally:
        target.write_text(text)


def test_every_host_is_looked_at(folder: Path) -> None:
    """Every weak host is found, by its session tokens and its disks."""
    before = {file: file.read_text() for file in folder.glob("*.tf")}
    for file, text in before.items():
        weak = text.replace(REQUIRED, REQUIRED.replace("required", "optional"))
        file.write_text(weak.replace("encrypted   = true", "encrypted   = false"))
    try:
        faults = plan_faults(folder)
    finally:
        for file, text in before.items():
            file.write_text(text)
    for host in ("nginx", "web", "api[0]", "monitoring", "trainer[0]"):
        assert f"aws_instance.{host} answers without a session token" in faults
        assert f"aws_instance.{host} has a disk that is not encrypted" in faults
