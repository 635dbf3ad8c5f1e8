"""This service and others with the same network, X-rays, decoder and processors, in one run.

    python -m tests.bench.bench --only peers

Each pass starts every service alone, times its first answer, sends loads of 1, 4 and 16 clients,
and weighs it; the next pass begins with another one. Other load on the machine affects all alike.
"""

import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.reading.xray import model_input, read_xray
from tests.bench.images import Images
from tests.bench.peers.catalogue import FASTEST, NOT_TO_BE_HAD, SERVICES, Ours, Peer, Place
from tests.bench.peers.closed_loop import Reply
from tests.bench.peers.environments import CannotInstall
from tests.bench.peers.expected import Expected
from tests.bench.peers.running import DidNotStart, Running
from tests.bench.peers.work import Judge, Task
from tests.bench.processes import Bystanders
from tests.bench.sides import Side
from tests.bench.workbench import SAMPLES, Workbench

CLIENTS = (1, 4, 16)
WARM_UP = {"clients": 4, "seconds": 1.0, "least": 16}
NUMBERS = 1_000_000
"""Numbers of X-rays that one load may use: more than any service could answer."""

Service = tuple[Peer | Ours, str]


def find_expected(images: Images, model_dir: Path, serving_dir: Path) -> Expected:
    """The float32 logits of all files, in a network of the peers' own."""
    judge = Judge(Task(model_dir, serving_dir, None, "f32", "LATENCY", 0))
    side = judge.artifact.input_side
    inputs = [model_input(read_xray(images.read(n)), side) for n in range(len(images))]
    calibration = judge.artifact.calibration
    logits = [judge.infer(image).logit for image in inputs]
    return Expected(logits, calibration.scale, calibration.offset)


class Found:
    """What was measured of one service, over all passes."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.cold_starts: list[float] = []
        self.memory_mb: list[float] = []
        self.bystanders: list[float] = []
        self.levels = {clients: Reply() for clients in CLIENTS}
        self.cpu = dict.fromkeys(CLIENTS, 0.0)

    @property
    def title(self) -> str:
        """What distinguishes it from all others."""
        service, variant = self.service
        return f"{service.name}, {service.precision}, {variant}"

    def add(self, clients: int, reply: Reply, cpu: float) -> None:
        """Count one more load."""
        total = self.levels[clients]
        total.add(reply)
        total.elapsed += reply.elapsed
        self.cpu[clients] += cpu

    def to_json(self) -> dict[str, Any]:
        """For the report and for var/bench.json."""
        service, variant = self.service
        return {
            "name": service.name,
            "precision": service.precision,
            "variant": variant,
            "settings": service.settings,
            "cold_start": self.cold_starts,
            "memory_mb": self.memory_mb,
            "bystanders": self.bystanders,
            "levels": {
                str(clients): {
                    "seconds": reply.seconds,
                    "per_second": len(reply.seconds) / reply.elapsed if reply.elapsed else 0.0,
                    "sent": reply.sent,
                    "errors": reply.errors,
                    "wrong": reply.wrong,
                    "cpu_ms": self.cpu[clients] / max(reply.sent, 1) * 1000,
                    "clients_cpu_ms": reply.cpu / max(reply.sent, 1) * 1000,
                }
                for clients, reply in self.levels.items()
            },
        }


def prepare(services: Sequence[Service]) -> tuple[list[Service], dict[str, str]]:
    """Those that can be installed, and the reasons of the others."""
    ready, skipped = [], dict(NOT_TO_BE_HAD)
    for service, variant in services:
        try:
            service.prepare()
        except CannotInstall as error:
            skipped[service.name] = f"its packages cannot be installed: {error}"
        else:
            ready.append((service, variant))
    return ready, skipped


def visit(found: Found, place: Place, load: Side, bench: Workbench) -> None:
    """Start one service, load it, weigh it, stop it. Raises DidNotStart."""
    service, variant = found.service
    with service.running(variant, place) as running:
        found.cold_starts.append(running.cold_start)
        send(load, running, bench, **WARM_UP)
        bystanders = Bystanders()
        for clients in CLIENTS:
            before = running.cpu_seconds()
            reply = send(
                load,
                running,
                bench,
                clients=clients,
                seconds=bench.counts.peer_seconds,
                least=bench.counts.peer_requests,
            )
            found.add(clients, reply, running.cpu_seconds() - before)
        found.bystanders.append(bystanders.share())
        found.memory_mb.append(running.memory_mb())


def send(load: Side, running: Running, bench: Workbench, **how: Any) -> Reply:
    """One load."""
    where = {name: getattr(running, name) for name in ("port", "path", "key", "protocol")}
    return Reply(**load.ask(**where, **how, start=bench.reserve(NUMBERS)))


def measure_side_by_side(bench: Workbench) -> dict[str, Any]:
    """Every service in every pass; one that does not start is left out of the rest."""
    images = Images(SAMPLES)
    expected = bench.scratch / "expected.json"
    find_expected(images, bench.model_dir, bench.serving_dir).write(expected)
    ready, skipped = prepare(
        [one for one in SERVICES if bench.counts.peers_in_float32 or one[0].precision == FASTEST]
    )
    found = [Found(service) for service in ready]
    with Side("tests.bench.peers.closed_loop", SAMPLES, expected) as load:
        for number in range(bench.counts.peer_passes):
            shift = number * len(found) // bench.counts.peer_passes
            for one in [*found[shift:], *found[:shift]]:
                scratch = Path(tempfile.mkdtemp(prefix="service-", dir=bench.scratch))
                scratch.chmod(0o755)  # nginx works as nobody, if root starts it
                place = Place(bench.model_dir, bench.serving_dir, scratch, images.read(0))
                try:
                    visit(one, place, load, bench)
                except DidNotStart as error:
                    skipped[one.title] = str(error)
                finally:
                    shutil.rmtree(scratch)
            found = [one for one in found if one.title not in skipped]
    shares = [share for one in found for share in one.bystanders]
    return {
        "services": [one.to_json() for one in found],
        "skipped": skipped,
        "bystanders": statistics.mean(shares) if shares else 0.0,
    }
