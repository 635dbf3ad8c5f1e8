"""The planned network in namespaces: one for each host, and a router that enforces the plan.

The router takes the place of Amazon's network: every packet between two hosts crosses it, leaves
only by a rule of the sender's security groups, and arrives only by a rule of the receiver's.
Replies on an open connection pass. Public addresses are translated as by an internet gateway.
Everything is derived from `terraform show -json` of a plan.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PREFIX = "rehearsal-"
CABLE = "to-"
"""Prefix of the router's interfaces, whose names have at most 15 letters."""
ROUTER = "router"
GATEWAY = "169.254.1.1"
METADATA = "169.254.169.254"
AWS = "198.51.100.10"
"""The address of the AWS services; this network is reserved for documentation (RFC 5737)."""
OUTSIDE = {"aws": AWS, "internet": "203.0.113.10", "admin": "203.0.113.20"}
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Host:
    """A host of the plan."""

    name: str
    address: str
    public_address: str
    groups: frozenset[str]
    role: str
    script: str


@dataclass
class Plan:
    """Hosts by name, rules of the security groups, and internal names with their addresses."""

    hosts: dict[str, Host] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)


def read_plan(shown: dict[str, Any]) -> Plan:
    """Read `terraform show -json` of a plan in which all values are known."""
    resources = shown["planned_values"]["root_module"]["resources"]
    plan = Plan()
    public = {}
    roles = {
        r["values"]["name"]: r["values"]["arn"] for r in resources if r["type"] == "aws_iam_role"
    }
    for resource in resources:
        values = resource["values"]
        if resource["type"] == "aws_iam_role":
            roles[values["name"]] = values["arn"]
        elif resource["type"] == "aws_eip_association":
            public[values["instance_id"]] = values["public_ip"]
        elif resource["type"] == "aws_security_group_rule":
            plan.rules.append(values)
        elif resource["type"] == "aws_route53_record":
            plan.names += [(values["name"], address) for address in values["records"]]
    for resource in resources:
        if resource["type"] == "aws_instance":
            values = resource["values"]
            name = values["tags"]["Name"].split("-", 1)[1]
            plan.hosts[name] = Host(
                name,
                values["private_ip"],
                public.get(values["id"], values["public_ip"] if name == "monitoring" else ""),
                frozenset(values["vpc_security_group_ids"]),
                roles[values["iam_instance_profile"]],
                values["user_data"],
            )
    return plan


def write_rules(plan: Plan) -> str:
    """The router's nftables file (https://wiki.nftables.org), each brace on a line of its own."""
    forward = [
        "type filter hook forward priority 0; policy accept;",
        "ct state established,related accept",
        f"ip daddr {METADATA} accept",
    ]
    translate = ["type nat hook prerouting priority -100;"]
    chains = []
    for host in plan.hosts.values():
        forward.append(f'iifname "{CABLE}{host.name}" jump out_of_{_chain(host)}')
        chains.append(_write_chain(plan, host, "egress"))
    for host in plan.hosts.values():
        forward.append(f'oifname "{CABLE}{host.name}" jump into_{_chain(host)}')
        chains.append(_write_chain(plan, host, "ingress"))
        if host.public_address:
            translate.append(f"ip daddr {host.public_address} dnat ip to {host.address}")
    chains += [_join("forward", forward), _join("translate", translate)]
    return "table inet cloud {\n" + "\n".join(chains) + "\n}\n"


def _chain(host: Host) -> str:
    return host.name.replace("-", "_")


def _write_chain(plan: Plan, host: Host, direction: str) -> str:
    side, name = ("d", "out_of") if direction == "egress" else ("s", "into")
    lines = []
    for rule in plan.rules:
        if rule["type"] != direction or rule["security_group_id"] not in host.groups:
            continue
        peers = list(rule["cidr_blocks"] or [])
        peers += [
            peer.address
            for peer in plan.hosts.values()
            if rule["source_security_group_id"] in peer.groups
        ]
        ports = f"{rule['protocol']} dport {rule['from_port']}-{rule['to_port']}"
        lines += [f"ip {side}addr {peer} {ports} return" for peer in peers]
    return _join(f"{name}_{_chain(host)}", [*lines, "counter drop"])


def _join(name: str, lines: list[str]) -> str:
    return f"chain {name} {{\n" + "\n".join(lines) + "\n}"


def open_aws() -> None:
    """Create the namespace of the AWS services, before any other network."""
    _ip("netns", "add", f"{PREFIX}aws")
    with inside("aws"):
        _ip("link", "set", "lo", "up")
        for address in (AWS, METADATA):
            _ip("address", "add", f"{address}/32", "dev", "lo")


def connect(plan: Plan, folder: Path) -> None:
    """Create all other namespaces and their links."""
    _ip("netns", "add", PREFIX + ROUTER)
    with inside(ROUTER):
        _ip("link", "set", "lo", "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for name, address in [*((h.name, h.address) for h in plan.hosts.values()), *OUTSIDE.items()]:
        if name != "aws":
            _ip("netns", "add", PREFIX + name)
        _connect(name, address)
    rules = folder / "router.nft"
    rules.write_text(write_rules(plan))
    with inside(ROUTER):
        subprocess.run(["nft", "-f", str(rules)], check=True)
        _ip("route", "add", METADATA, "dev", f"{CABLE}aws")


def _connect(name: str, address: str) -> None:
    """Link a namespace to the router, its default route."""
    cable = CABLE + name
    with inside(ROUTER):
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", PREFIX + name)
        _ip("address", "add", f"{GATEWAY}/32", "dev", cable)
        _ip("link", "set", cable, "up")
        _ip("route", "add", address, "dev", cable)
    with inside(name):
        _ip("link", "set", "lo", "up")
        _ip("address", "add", f"{address}/32", "dev", "eth0")
        _ip("link", "set", "eth0", "up")
        _ip("route", "add", "default", "via", GATEWAY, "dev", "eth0", "onlink")


def remove_network() -> None:
    """Remove the namespaces of this or an earlier rehearsal, with their processes."""
    for line in _ip("netns", "list").splitlines():
        if line.startswith(PREFIX):
            name = line.split()[0]
            for pid in _ip("netns", "pids", name).split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            _ip("netns", "delete", name)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Run this thread and its children in a namespace; setns(2) affects only the calling thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{PREFIX}{name}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns to {name}")
        yield
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(there)
        os.close(before)


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
