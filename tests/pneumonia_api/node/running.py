"""A real DICOM node before a real API, and the tools of dcmtk that talk to it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.stack import ROOT, free_ports

KEY = "key-of-the-node"
TITLE = "PNEUMONIA"
PEERS = "PACS@127.0.0.1,XRAY1@127.0.0.0/8,ELSEWHERE@10.9.9.9"


@dataclass(frozen=True)
class RunningNode:
    """Where it listens, its log and its process."""

    port: int
    metrics_port: int
    log: Path
    process: subprocess.Popen[bytes]

    def read_metric(self, line: str) -> float:
        """The value of a metric; `line` is its name with its labels."""
        text = requests.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5).text
        [value] = [each.split()[-1] for each in text.splitlines() if each.startswith(f"{line} ")]
        return float(value)


@contextmanager
def running_node(folder: Path, api_url: str, **settings: str) -> Iterator[RunningNode]:
    """The node by its own command, ended with the block."""
    ports = free_ports(["DICOM_PORT", "DICOM_METRICS_PORT"])
    environment = {
        **os.environ,
        "VAR_DIR": str(folder),
        "API_URL": api_url,
        "DICOM_KEY": KEY,
        "DICOM_PEERS": PEERS,
        **{name: str(port) for name, port in ports.items()},
        **settings,
    }
    path = folder / "node.log"
    with path.open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pneumonia_api.node"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    node = RunningNode(ports["DICOM_PORT"], ports["DICOM_METRICS_PORT"], path, process)
    try:
        url = f"http://127.0.0.1:{node.metrics_port}"
        with requests.Session() as session:
            session.mount(url, HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.05)))
            session.get(f"{url}/metrics", timeout=5)
        yield node
    finally:
        process.terminate()
        process.wait(15)


def call(tool: str, node: RunningNode, *options: str | Path, calling: str = "PACS") -> str:
    """What a tool of dcmtk says about talking to the node; skips where there is no dcmtk."""
    return call_at(node.port, tool, *options, calling=calling)


def call_at(port: int, tool: str, *options: str | Path, calling: str, called: str = TITLE) -> str:
    """The same about whatever listens on a port."""
    address = ("127.0.0.1", str(port))
    command = [tool, "-v", "-aet", calling, "-aec", called, *address, *map(str, options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except FileNotFoundError:
        pytest.skip(f"{tool} is not installed; it is in Debian's dcmtk")
    return done.stdout + done.stderr
