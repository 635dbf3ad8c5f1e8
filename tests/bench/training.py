"""What `--cache-features` gains in an epoch, next to the same training without it.

    python -m tests.bench.training [--images 256] [--rounds 3]

Three depths: the whole of conv5 trained, the last fifteen layers, the head alone. All ways begin
with the shipped network's ResNet50 and a new head, and take turns epoch by epoch, validation
included. Afterwards they are judged on the test images: what is kept on the disk is rounded to
float16 and repeats its views, and must not cost accuracy.

Where the processor computes in bfloat16, conv5 is also trained with `--mixed-precision` on kept
features, and its trunk run by OpenVINO.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from model.evaluation.scores import Predictions, score_predictions
from model.network.backbone import base_layers, freeze, load_weights, split_network
from model.network.graph import build_network, load_network
from model.reading import dataset as data
from model.reading.xray import model_input, squash
from model.serving.artifact import WEIGHTS_NAME
from model.serving.precision import list_supported
from model.training.batches import Batches, augmented_views, plain_images, stored_features
from model.training.command_line import parse_settings
from model.training.feature_cache import cache_features
from model.training.fitting import balance_classes, compile_network
from model.training.trunk import compile_trunk
from tests.bench.sides import ROOT
from tests.conftest import XRAY_DATA

CONV5_LAYERS = 32
TARGETS = {"conv5": (CONV5_LAYERS, 1.7), "last fifteen layers": (15, 4.5), "head alone": (0, 20.0)}
VIEWS = 3
TRUNK_IMAGES = 64
CHECK_SHARE = 4
"""One validation image for four to train on: two views each of 15 % of the patients."""


def write_weights(file: Path) -> None:
    """The shipped network's ResNet50, as an .npz that `load_weights` reads."""
    shipped = load_network(ROOT / "model" / "artifact" / WEIGHTS_NAME)
    arrays = {
        f"{layer.name}/{variable.name}": variable.numpy()
        for layer in base_layers(shipped)
        for variable in layer.weights
    }
    np.savez(file, **arrays)


def pick(folder: Path, count: int, prepare: Any) -> tuple[np.ndarray, list[data.LabelledXray]]:
    """`count` images of one split, spread evenly over both classes."""
    xrays = data.list_xrays(folder)
    step = max(1, len(xrays) // count)
    images, kept, _ = data.load_inputs(xrays[::step][:count], prepare)
    return images, kept


class Way:
    """One way to train: a network, what it reads, and an epoch that can be timed."""

    def __init__(self, scratch: Path, layers: int, way: str, images: int, rounds: int) -> None:
        keras.mixed_precision.set_global_policy("mixed_bfloat16" if way == "mixed" else "float32")
        cached = way != "plain"
        self.arguments = parse_settings(
            ["--data", "unused", "--out", str(scratch), "--epochs", str(rounds + 1)]
        ).hyperparameters
        keras.utils.set_random_seed(self.arguments.seed)
        network = build_network([256], self.arguments.dropout, self.arguments.l2)
        freeze(network, layers, load_weights(network, str(scratch / "base.npz")))
        trunk, rest = split_network(network, network.output)
        pictures, xrays = pick(XRAY_DATA / "kermany224" / "train", images, squash)
        labels = np.array([xray.label for xray in xrays])
        checks = slice(0, None, CHECK_SHARE)
        sources = (
            augmented_views(pictures, labels.tolist(), self.arguments.seed),
            plain_images(pictures[checks]),
        )
        if cached:
            files = [scratch / f"{way}-{layers}-{k}.npy" for k in range(VIEWS)]
            views = [
                cache_features(trunk, sources[0], len(labels), k, file, 2)
                for k, file in enumerate(files)
            ]
            count = len(pictures[checks])
            kept = cache_features(trunk, sources[1], count, 0, scratch / f"{way}-{layers}.npy", 2)
            sources = stored_features(views, rest), stored_features([kept], rest)
        self.network, self.model = network, rest if cached else network
        self.run_trunk, self.pictures = compile_trunk(trunk), pictures[:TRUNK_IMAGES]
        self.batches = Batches(
            sources[0],
            labels,
            self.arguments.batch,
            seed=self.arguments.seed,
            views=VIEWS if cached else None,
            weights=np.array(balance_classes(labels))[labels],
            workers=2,
        )
        self.checks = Batches(sources[1], labels[checks], self.arguments.batch)
        compile_network(self.model, len(self.batches) * (rounds + 1), self.arguments)

    def time_epoch(self) -> tuple[float, float]:
        """Seconds of one epoch, by the clock and of all processors."""
        started = time.perf_counter(), time.process_time()
        self.model.fit(self.batches, validation_data=self.checks, shuffle=False, verbose=0)
        return time.perf_counter() - started[0], time.process_time() - started[1]

    def time_trunk(self) -> tuple[float, float]:
        """Seconds of the trunk for TRUNK_IMAGES, by the clock and of all processors."""
        started = time.perf_counter(), time.process_time()
        self.run_trunk(self.pictures.astype(np.float32))
        return time.perf_counter() - started[0], time.process_time() - started[1]

    def judge(self, images: np.ndarray) -> np.ndarray:
        """Uncalibrated probabilities of images, with the averaged weights."""
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        return self.network.predict(images.astype(np.float32), batch_size=32, verbose=0)[:, 0]


def take_turns(
    ways: dict[str, Way], measure: Callable[[Way], tuple[float, float]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds by the clock and of all processors, by way; the first turn, which compiles, is not
    counted."""
    by_clock: dict[str, list[float]] = {name: [] for name in ways}
    by_processor: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            clock, processor = measure(way)
            if number:
                by_clock[name].append(clock)
                by_processor[name].append(processor)
    return by_clock, by_processor


def measure_training(images: int, rounds: int, depths: Sequence[str]) -> dict[str, Any]:
    """Seconds of each epoch and test AUC of all ways, for each depth; {} without the data."""
    if not XRAY_DATA.is_dir():
        return {}
    tests, xrays = pick(XRAY_DATA / "kermany224" / "test", images, model_input)
    labels, patients = np.array([x.label for x in xrays]), [x.patient for x in xrays]
    found: dict[str, Any] = {}
    for name, (layers, target) in TARGETS.items():
        if name not in depths:
            continue
        with tempfile.TemporaryDirectory(prefix="bench-training-") as scratch:
            write_weights(Path(scratch, "base.npz"))
            names = ["plain", "cached"]
            if layers == CONV5_LAYERS and "bfloat16" in list_supported():
                names.append("mixed")
            ways = {way: Way(Path(scratch), layers, way, images, rounds) for way in names}
            seconds, processor = take_turns(ways, Way.time_epoch, rounds)
            trunk_seconds, trunk_processor = take_turns(ways, Way.time_trunk, rounds)
            judged = {way: training.judge(tests) for way, training in ways.items()}
        plain = score_predictions(Predictions(labels, judged["plain"], patients), 0.5, 0, 500)
        found[name] = {
            "target": target,
            "seconds": seconds,
            "processor_seconds": processor,
            "trunk": {"seconds": trunk_seconds, "processor_seconds": trunk_processor},
            "auc": {way: float(roc_auc_score(labels, p)) for way, p in judged.items()},
            "interval_of_plain": plain.auc_roc[1:],
        }
    return found


def main() -> None:
    """Print what was found as JSON, on the last line."""
    parser = argparse.ArgumentParser(prog="training")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--depths", nargs="+", choices=tuple(TARGETS), default=list(TARGETS))
    options = parser.parse_args()
    print("\n" + json.dumps(measure_training(options.images, options.rounds, options.depths)))


if __name__ == "__main__":
    main()
