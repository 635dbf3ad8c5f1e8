"""What the sections of the bench share: the system, its X-rays, and how much is measured."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.images import Images, make_images
from tests.bench.sides import ROOT, Side
from tests.stack import Stack, running_stack

SAMPLES = ROOT / "var" / "samples"
WAIT_SECONDS = 20


@dataclass(frozen=True)
class Counts:
    """How much is measured: about half an hour; QUICK is a tenth of it.

    `block` is the uploads of one turn, 16 so that each sample is in it.

    `tested` of the X-rays of the official test give the AUC of each precision.
    Each service of the comparison is visited `peer_passes` times, and each load on it lasts
    `peer_seconds` and at least `peer_requests` X-rays. Without `peers_in_float32` only those that
    the goals name are compared.
    """

    rounds: int = 5
    block: int = 16
    inferences: int = 20
    tested: int = 624
    starts: int = 3
    uploads: int = 500
    pace: int = 160
    scorings: int = 6
    watched: int = 480
    watches: int = 4
    trained: int = 256
    epochs: int = 3
    peer_passes: int = 2
    peer_seconds: float = 4.0
    peer_requests: int = 32
    peers_in_float32: bool = True
    records: int = 1_000_000
    drops: int = 40


QUICK = Counts(
    rounds=1,
    block=4,
    inferences=5,
    tested=104,
    starts=1,
    uploads=40,
    pace=16,
    scorings=1,
    watched=40,
    watches=1,
    trained=32,
    epochs=1,
    peer_passes=1,
    peer_seconds=0.5,
    peer_requests=16,
    peers_in_float32=False,
    records=20_000,
    drops=4,
)


def take_turns(
    sides: Mapping[str, Callable[[], list[float]]], rounds: int
) -> dict[str, list[float]]:
    """Every side's seconds; another side begins each round, and the first is a warm-up."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for number in range(rounds + 1):
        for name in order:
            seconds = sides[name]()
            if number:
                found[name] += seconds
        order = order[1:] + order[:1]
    return found


class Workbench:
    """The scratch folder, its X-rays, numbers not used yet, and what is started once for all.

    System and yardstick start when a section first asks for them, and end with `opened`.
    """

    def __init__(self, scratch: Path, counts: Counts, opened: ExitStack) -> None:
        self.model_dir = ROOT / "model" / "artifact"
        self.serving_dir = ROOT / "var" / "serving"
        self.scratch = scratch
        self.counts = counts
        self.folder = scratch / "images"
        self.folder.mkdir()
        make_images(SAMPLES, self.folder)
        self.images = Images(self.folder)
        self._opened = opened
        self._next = 0

    @property
    def settings(self) -> dict[str, str]:
        """Of every system that the bench starts."""
        return {"MODEL_DIR": str(self.model_dir), "SERVING_DIR": str(self.serving_dir)}

    @cached_property
    def stack(self) -> Stack:
        """The whole system."""
        system = running_stack(self.scratch / "var", **self.settings)
        return self._opened.enter_context(system)

    @cached_property
    def yardstick(self) -> Side:
        """The model without a service, in the precision that the system takes."""
        return self.open_yardstick("auto")

    def open_yardstick(self, precision: str) -> Side:
        """The same in a precision."""
        folders = self.model_dir, self.serving_dir, self.folder
        side = Side("tests.bench.yardstick", *folders, precision)
        return self._opened.enter_context(side)

    def next_block(self) -> range:
        """The numbers of one turn."""
        start = self.reserve(self.counts.block)
        return range(start, start + self.counts.block)

    def reserve(self, count: int) -> int:
        """The first of `count` numbers that were never sent."""
        start = self._next
        self._next += count
        return start
