"""`make bench`: what the service costs compared with the bare model and with its alternatives.

    python -m tests.bench.bench [--quick]

Starts the whole system on free ports, a naive service and the compared runtimes, lets them take
turns on the same X-rays, and prints a Markdown table; also in var/bench.md, raw in var/bench.json.
About eighteen minutes on two free cores. Times are never asserted: a busy machine may miss a
target. The ratios hold, because turns are short and other load affects all sides alike.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.reading.xray import model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME
from tests.bench.caging import measure_caging
from tests.bench.clients import Browser, Machine
from tests.bench.images import Images, make_images
from tests.bench.naive_process import running_naive
from tests.bench.processes import (
    Bystanders,
    measure_memory,
    read_worker_metrics,
    time_worker_start,
)
from tests.bench.report import describe_machine, format_table
from tests.bench.scoring import measure_scoring
from tests.bench.sides import ROOT, Side
from tests.bench.throughput import mean_steps, measure_load
from tests.bench.watching import measure_watching
from tests.stack import Stack, running_stack

MODEL = ROOT / "model" / "artifact"
SERVING = ROOT / "var" / "serving"
WAIT_SECONDS = 30
THREADS_OF_WORKER = 3


@dataclass(frozen=True)
class Counts:
    """How much is measured; `block` is the uploads of one turn, 16 so that each sample is in it."""

    rounds: int = 5
    block: int = 16
    inferences: int = 20
    starts: int = 3
    uploads: int = 500
    pace: int = 160
    scorings: int = 8
    watched: int = 480
    watches: int = 4
    trained: int = 256
    epochs: int = 3


QUICK = Counts(
    rounds=1,
    block=4,
    inferences=5,
    starts=1,
    uploads=40,
    pace=16,
    scorings=1,
    watched=40,
    watches=1,
    trained=32,
    epochs=1,
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


class Bench:
    """What the measurements share: the scratch folder, its X-rays, and numbers not used yet."""

    def __init__(self, scratch: Path, counts: Counts) -> None:
        self.scratch = scratch
        self.counts = counts
        self.folder = scratch / "images"
        self.folder.mkdir()
        make_images(ROOT / "var" / "samples", self.folder)
        self.images = Images(self.folder)
        self._next = 0

    def next_block(self) -> range:
        """The numbers of one turn."""
        start = self.reserve(self.counts.block)
        return range(start, start + self.counts.block)

    def reserve(self, count: int) -> int:
        """The first of `count` numbers that were never sent."""
        start = self._next
        self._next += count
        return start

    def measure_latency(self, stack: Stack, yardstick: Side) -> dict[str, Any]:
        """Yardstick, API, browser and naive service in turn."""
        browser = Browser(stack.url, stack.user, stack.password)

        def ask_yardstick() -> list[float]:
            block = self.next_block()
            return yardstick.ask(start=block[0], count=len(block))["seconds"]

        def upload(port: int, path: str, key: str = "") -> list[float]:
            with Machine(port, path, key) as machine:
                return [machine.judge(self.images.read(n)) for n in self.next_block()]

        with running_naive(MODEL / WEIGHTS_NAME, self.scratch / "naive.log") as naive_port:
            api_port, path = stack.ports["API_PORT"], f"/v1/xrays?wait={WAIT_SECONDS}"
            sides = {
                "yardstick": ask_yardstick,
                "api": lambda: upload(api_port, path, stack.api_key),
                "browser": lambda: [browser.judge(self.images.read(n)) for n in self.next_block()],
                "naive": lambda: upload(naive_port, "/predict"),
            }
            before, bystanders = read_worker_metrics(stack), Bystanders()
            seconds = take_turns(sides, self.counts.rounds)
            steps = mean_steps(before, read_worker_metrics(stack))
            share = bystanders.share()
        return {"seconds": seconds, "steps_ms": steps, "bystanders": share}

    def measure_runtimes(self) -> dict[str, Any]:
        """OpenVINO and ONNX Runtime in turn, on the same network and inputs."""
        onnx, inputs = self.scratch / "model.onnx", self.scratch / "inputs.npy"
        export = ["-m", "tests.bench.onnx_export", str(MODEL / WEIGHTS_NAME), str(onnx)]
        exported = subprocess.run(
            [sys.executable, *export], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if exported.returncode:
            raise RuntimeError(f"the ONNX export failed: {exported.stderr[-2000:]}")
        xrays = [read_xray(self.images.read(number)) for number in range(len(self.images))]
        np.save(inputs, np.stack([model_input(xray) for xray in xrays]))
        module, logits = "tests.bench.runtimes", {}
        with (
            Side(module, "openvino", MODEL, SERVING, inputs) as openvino,
            Side(module, "onnxruntime", onnx, inputs) as onnxruntime,
            Side(module, "logit", MODEL, SERVING, inputs) as logit,
        ):

            def infer(name: str, side: Side) -> list[float]:
                answer = side.ask(count=self.counts.inferences)
                logits[name] = answer["logits"]
                return answer["seconds"]

            sides = {
                "openvino": lambda: infer("openvino", openvino),
                "onnxruntime": lambda: infer("onnxruntime", onnxruntime),
                "logit": lambda: infer("logit", logit),
            }
            seconds = take_turns(sides, self.counts.rounds)
        apart = np.abs(np.subtract(logits["openvino"], logits["onnxruntime"]))
        return {"seconds": seconds, "largest_logit_difference": float(apart.max())}

    def measure_throughput(self, stack: Stack, yardstick: Side) -> dict[str, Any]:
        """The yardstick's throughput before, between and after the two loads."""

        def pace(threads: int = 1) -> float:
            count = self.counts.pace
            answer = yardstick.ask(start=self.reserve(count), count=count, threads=threads)
            return count / answer["elapsed"]

        def load(wait: int) -> dict[str, Any]:
            start = self.reserve(self.counts.uploads)
            return measure_load(stack, side, start, self.counts.uploads, wait)

        with Side(
            "tests.bench.load", stack.ports["API_PORT"], stack.var / "api-key", self.folder
        ) as side:
            bystanders = Bystanders()
            paces = [pace()]
            waiting = load(WAIT_SECONDS)
            paces.append(pace())
            burst = load(0)
            paces.append(pace())
            share = bystanders.share()
        return {
            "bystanders": share,
            "yardstick_per_second": paces,
            "overlapped_per_second": pace(THREADS_OF_WORKER),
            "waiting": waiting,
            "burst": burst,
        }


def measure_training(counts: Counts) -> dict[str, Any]:
    """Training epochs with and without cached features, in a separate process."""
    options = ["--images", str(counts.trained), "--rounds", str(counts.epochs)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench.training", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"measuring the training failed: {ended.stderr[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def measure(counts: Counts) -> dict[str, Any]:
    """Run every measurement."""
    settings = {"MODEL_DIR": str(MODEL), "SERVING_DIR": str(SERVING)}
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        # nginx, when root starts it, works as nobody and must reach its folder in here.
        scratch.chmod(0o755)
        bench = Bench(scratch, counts)
        print("Starting the system ...", flush=True)
        stack = opened.enter_context(running_stack(scratch / "var", **settings))
        found: dict[str, Any] = {"machine": describe_machine()}
        print("Cold start of the worker ...", flush=True)
        log = scratch / "cold.log"
        found["worker_start"] = [time_worker_start(stack, log) for _ in range(counts.starts)]
        yardstick = opened.enter_context(
            Side("tests.bench.yardstick", MODEL, SERVING, bench.folder)
        )
        print("One upload at a time, in turn with yardstick and naive service ...", flush=True)
        found["latency"] = bench.measure_latency(stack, yardstick)
        print(f"{counts.uploads} uploads from 8 clients, twice ...", flush=True)
        found["throughput"] = bench.measure_throughput(stack, yardstick)
        found["memory_mb"] = measure_memory(stack)
        print("Reading in the cage, in turn with reading outside ...", flush=True)
        start = bench.reserve(counts.pace)
        found["caging"] = measure_caging(bench.images, range(start, start + counts.pace))
        print("A folder, in turn with the bare predictor ...", flush=True)
        found["scoring"] = measure_scoring(MODEL, SERVING, bench.folder, counts.scorings)
        print("Runtimes ...", flush=True)
        found["runtimes"] = bench.measure_runtimes()
        print("Uploads to a second system, watched and not watched ...", flush=True)
        found["watching"] = measure_watching(
            scratch, bench.folder, settings, counts.watched, counts.watches
        )
    print("Epochs of training ...", flush=True)
    found["training"] = measure_training(counts)
    return found


def main() -> int:
    """Measure, print the table, and keep it in var/."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure the running system.")
    parser.add_argument("--quick", action="store_true", help="few repetitions, to try the bench")
    quick = parser.parse_args().quick
    found = measure(QUICK if quick else Counts())
    text = format_table(found)
    print("\n" + text)
    (ROOT / "var" / "bench.md").write_text(text)
    (ROOT / "var" / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
