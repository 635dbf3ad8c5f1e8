"""Checks of a plan, read from `terraform show -json`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

BY_ADDRESS = {"internet_into_nginx": {80, 443}, "admins_into_monitoring": {443}}
"""The rules with addresses, and their ports; every other rule refers to a group."""

PORTS = {
    "nginx web": {8000},
    "web api": {5000},
    "api redis": {6379},
    "trainer redis": {6379},
    "monitoring web": {8000, 9100},
    "monitoring api": {5000, 9100, 9121, 9200},
}
SCRIPTS = {
    "web": {r"API_URL=http://api\.\S+:(\d+)": 5000},
    "api": {r"REDIS_URL=.*:(\d+)/0": 6379, r"port=(\d+) password": 6379},
    "trainer": {r"REDIS_URL=.*:(\d+)/0": 6379},
    "monitoring": {
        r"\bweb=\$\(hosts (\d+) Role web": 8000,
        r"\bapi=\$\(hosts (\d+) Role api": 5000,
        r"\bworker=\$\(hosts (\d+) Role api": 9200,
    },
}
"""Where a host's script names a port, and the port that the network allows."""


def find_faults(plan: dict[str, Any]) -> list[str]:
    """A sentence for each fault: an open path, a weak host or disk, a port that nobody reaches."""
    resources = plan["planned_values"]["root_module"]["resources"]
    return [*_check_paths(resources), *_check_hosts(resources)]


def _check_paths(resources: list[dict[str, Any]]) -> Iterator[str]:
    rules = [r for r in resources if r["type"] == "aws_security_group_rule"]
    for rule in rules:
        values = rule["values"]
        addresses = [*(values.get("cidr_blocks") or []), *(values.get("ipv6_cidr_blocks") or [])]
        ports = {values["from_port"], values["to_port"]}
        meant = BY_ADDRESS.get(rule["name"], set())
        if values["type"] == "ingress" and addresses and not ports <= meant:
            yield f"{rule['address']} is open to {', '.join(addresses)}"
    for group in resources:
        if group["type"] == "aws_security_group" and group["values"].get("ingress"):
            yield f"{group['address']} has rules of its own"
    for direction in ("into", "out_of"):
        for path, expected in PORTS.items():
            found = {
                rule["values"]["from_port"]
                for rule in rules
                if rule["name"] == direction and rule["index"].startswith(f"{path} ")
            }
            if found != expected:
                yield f"{direction} {path} has the ports {sorted(found)}"


def _check_hosts(resources: list[dict[str, Any]]) -> Iterator[str]:
    for resource in resources:
        values, address = resource["values"], resource["address"]
        if resource["type"] == "aws_ebs_volume" and not values["encrypted"]:
            yield f"{address} is not encrypted"
        if resource["type"] != "aws_instance":
            continue
        tokens = [options.get("http_tokens") for options in values.get("metadata_options", [])]
        if tokens != ["required"]:
            yield f"{address} answers without a session token"
        if not all(disk["encrypted"] for disk in values["root_block_device"]):
            yield f"{address} has a disk that is not encrypted"


def find_script_faults(scripts: Mapping[str, str]) -> list[str]:
    """The rendered script of each host."""
    faults = []
    for host, patterns in SCRIPTS.items():
        for pattern, port in patterns.items():
            found = {int(number) for number in re.findall(pattern, scripts[host])}
            if found != {port}:
                faults.append(f"{host} is set up with the ports {sorted(found)}, not {port}")
    return faults
