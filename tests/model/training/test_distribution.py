"""`model.training.distribution`: two machines on loopback, and wrong configurations."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.training.distribution import DistributionError, make_strategy
from tests.stack import ROOT


def free_ports(count: int) -> list[int]:
    """Ports on loopback that are free at this moment."""
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
                [sys.executable, "-m", "tests.model.training.machine", str(tmp_path)],
                cwd=ROOT,
                env={**os.environ, "TF_CONFIG": config},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        # Both at once, because each waits for the other.
        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(lambda machine: machine.communicate(timeout=300), machines))
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], ended
    first, second = (json.loads(printed.splitlines()[-1]) for printed, _ in ended)
    assert first == second
    assert len(first["history"]["val_auc_roc"]) == 1


TWO_DEVICES = """
import tensorflow as tf
from model.training.distribution import DistributionError, check_pairs
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
check_pairs(strategy, 8)
try:
    check_pairs(strategy, 6)
except DistributionError as error:
    print(error)
"""


def test_batch_that_would_split_a_pair_is_reported_in_one_sentence() -> None:
    """Two devices get two pairs each of 8 views; of 6, each would get one and a half."""
    printed = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "--batch that is a multiple of 4, two views for each of 2 GPUs." in printed


def test_several_machines_without_addresses_are_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sentence names what is missing."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(DistributionError, match="needs TF_CONFIG"):
        make_strategy("multiworker")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}']
)
def test_addresses_that_make_no_sense_are_reported_in_one_sentence(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invalid JSON, no machines, or an index out of range."""
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(DistributionError, match="TF_CONFIG does not name all machines"):
        make_strategy("multiworker")
