"""Clients in a closed loop: each sends its next X-ray when the last one is answered.

    python -m tests.bench.peers.closed_loop IMAGES EXPECTED.json

Each client is a process with one persistent connection, so that none waits for another's Python.
Answers a `Load` as JSON with a `Reply`. Requests are prepared and answers are checked while the
clock of the latency stands; only the service and the loopback are in it.
"""

import http.client
import json
import multiprocessing
import sys
import time
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.bench.clients import Machine
from tests.bench.images import Images
from tests.bench.peers.expected import Expected
from tests.bench.peers.protocols import open_machine, read_probability
from tests.bench.sides import serve

_FORK = multiprocessing.get_context("fork")
"""The clients share this process's images and modules; it runs no other thread."""


@dataclass(frozen=True)
class Load:
    """Where to send and how much: for `seconds`, and at least `least` X-rays in all.

    Client c of n sends the numbers start + c, start + c + n, ...: no two the same.
    """

    port: int
    path: str
    key: str
    protocol: str
    clients: int
    seconds: float
    least: int
    start: int


@dataclass
class Reply:
    """Seconds of each right answer; how many were none (`errors`, with their texts) or `wrong`."""

    seconds: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    sent: int = 0
    elapsed: float = 0.0
    cpu: float = 0.0

    def add(self, other: "Reply") -> None:
        """Count the requests of another client or turn too; turns follow one another."""
        self.seconds += other.seconds
        for text, count in other.errors.items():
            self.errors[text] = self.errors.get(text, 0) + count
        self.wrong += other.wrong
        self.sent += other.sent
        self.cpu += other.cpu


class Client:
    """One client of a load."""

    def __init__(self, load: Load, number: int, images: Images, expected: Expected) -> None:
        self._load = load
        self._number = number
        self._images = images
        self._expected = expected
        self._reply = Reply()

    def run(self, barrier: Barrier, result: Connection) -> None:
        """Send until the time is over; the first request waits for all clients to be there."""
        load = self._load
        least = -(-load.least // load.clients)
        with open_machine(load.port, load.path, load.key, load.protocol) as machine:
            barrier.wait()
            started, cpu = time.monotonic(), time.process_time()
            while time.monotonic() - started < load.seconds or self._reply.sent < least:
                self._send(machine, load.start + self._number)
                self._number += load.clients
            ended = time.monotonic()
        self._reply.cpu = time.process_time() - cpu
        result.send((started, ended, self._reply))

    def _send(self, machine: Machine, number: int) -> None:
        data = self._images.read(number)
        self._reply.sent += 1
        try:
            seconds, status, answer = machine.upload(data)
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            machine.reconnect()
            self._count(type(error).__name__)
            return
        probability = read_probability(answer) if status == 200 else None
        if probability is None:
            self._count(f"{status} {answer.get('status', answer.get('error', ''))}".strip())
        elif self._expected.allows(number, probability):
            self._reply.seconds.append(seconds)
        else:
            self._reply.wrong += 1

    def _count(self, text: str) -> None:
        self._reply.errors[text] = self._reply.errors.get(text, 0) + 1


def run_load(load: Load, images: Images, expected: Expected) -> Reply:
    """All clients of `load` at once; `elapsed` is from the first request to the last answer."""
    barrier = _FORK.Barrier(load.clients)
    pairs = [_FORK.Pipe(duplex=False) for _ in range(load.clients)]
    clients = [
        _FORK.Process(target=Client(load, c, images, expected).run, args=(barrier, sender))
        for c, (_, sender) in enumerate(pairs)
    ]
    for client, (_, sender) in zip(clients, pairs, strict=True):
        client.start()
        sender.close()
    total, starts, ends = Reply(), [], []
    for receiver, _ in pairs:
        started, ended, reply = receiver.recv()
        starts.append(started)
        ends.append(ended)
        total.add(reply)
    for client in clients:
        client.join()
    total.elapsed = max(ends) - min(starts)
    return total


def main(folder: Path, expected_file: Path) -> None:
    """Load on request."""
    images, expected = Images(folder), Expected.read(expected_file)
    serve(lambda **load: asdict(run_load(Load(**load), images, expected)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
