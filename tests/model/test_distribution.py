"""`model.distribution`: two machines on loopback, and what is told when there are none."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.distribution import DistributionError, make_strategy
from tests.stack import ROOT


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody has, at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


def test_two_machines_end_with_the_same_weights(tmp_path: Path) -> None:
    """One epoch of two processes: figures over the images of both, and one network."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    machines = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        machines.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.model.machine", str(tmp_path)],
                cwd=ROOT,
                env={**os.environ, "TF_CONFIG": config},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        # Together: the one that is left alone by the other waits for it.
        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(lambda machine: machine.communicate(timeout=300), machines))
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], ended
    first, second = (json.loads(printed.splitlines()[-1]) for printed, _ in ended)
    assert first == second
    assert len(first["history"]["val_auc_roc"]) == 1


def test_several_machines_without_addresses_are_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sentence names what is missing."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(DistributionError, match="needs TF_CONFIG"):
        make_strategy("multiworker")
