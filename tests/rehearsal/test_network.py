"""Tests of the rehearsal itself that take seconds."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal import network
from tests.rehearsal.image import list_packages
from tests.rehearsal.network import Host, Plan, connect, inside, open_aws, remove_network
from tests.stack import ROOT

PORT, OTHER = 5000, 5001


def rule(direction: str, group: str, peer: str) -> dict[str, object]:
    """A resource as in a plan."""
    return {
        "type": direction,
        "security_group_id": group,
        "source_security_group_id": peer,
        "cidr_blocks": None,
        "protocol": "tcp",
        "from_port": PORT,
        "to_port": PORT,
    }


@pytest.fixture
def spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two hosts; the rules of both let `caller` reach the port of `server`."""
    if os.geteuid() or not (shutil.which("nft") and shutil.which("ip")):
        pytest.skip("network namespaces need root, nftables and iproute2")
    monkeypatch.setattr(network, "PREFIX", f"test-{os.getpid()}-")
    hosts = {
        name: Host(name, address, "", frozenset([f"sg-{name}"]), "", "")
        for name, address in (("caller", "10.20.0.10"), ("server", "10.20.0.11"))
    }
    rules = [rule("egress", "sg-caller", "sg-server"), rule("ingress", "sg-server", "sg-caller")]
    # A rule on one side only does not open the path.
    rules += [rule("egress", "sg-server", "sg-caller")]
    try:
        open_aws()
        connect(Plan(hosts, rules), tmp_path)
        yield
    finally:
        remove_network()


def reaches(start: str, address: str, port: int) -> bool:
    """Whether a connection is accepted."""
    try:
        with inside(start), socket.create_connection((address, port), 1):
            return True
    except TimeoutError:
        return False


def test_router_obeys_the_rules_of_both_ends(spaces: None) -> None:
    """Only the port that both sides allow is open; other ports, directions and hosts are not."""
    with (
        inside("server"),
        socket.create_server(("10.20.0.11", PORT)),
        socket.create_server(("10.20.0.11", OTHER)),
        inside("caller"),
        socket.create_server(("10.20.0.10", PORT)),
    ):
        assert reaches("caller", "10.20.0.11", PORT)
        assert not reaches("caller", "10.20.0.11", OTHER)
        assert not reaches("server", "10.20.0.10", PORT)
        assert not reaches("internet", "10.20.0.11", PORT)


def test_machine_that_lacks_something_is_told(tmp_path: Path) -> None:
    """Missing tools are listed with their source; the exit status is 1 and nothing is done."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal.rehearse"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "terraform: Terraform 1.10 or later" in done.stdout
    assert "systemd-nspawn: Debian's package systemd-container" in done.stdout
    assert "Traceback" not in done.stderr


def test_packages_are_those_of_the_script() -> None:
    """Packages are also found in a call that continues on the next line."""
    assert list_packages("packages a \\\n    b-c\nretry apt-get install d\n") == ["a", "b-c"]
