#!/usr/bin/env python
"""One training run: fine-tune ResNet50 on chest X-rays and write the artifact.

    python -m model.cnn --data ../shared/data/kermany224 --cache-features \
        --weights ../shared/weights/resnet50_imagenet_conv1_to_conv4.npz --out var/training

Patients are split first. The first layers of ResNet50 keep their ImageNet weights; with
--cache-features they run once for each augmented view and their outputs are kept on disk (float16,
400 KB an image for conv4), from which the last layers and the heads are trained.
The epoch is chosen on augmented views of the validation patients, because the plain ones look
solved (AUC 0.996) while the test does not; threshold and calibration on these patients' X-rays as
they come. Test is judged once, at the end.
A run that was killed goes on where it stopped when started again with the same arguments.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from model.network.backbone import WeightsError, freeze, load_weights
from model.network.graph import build_network
from model.reading import dataset as data
from model.serving.artifact import Artifact, sha256_of
from model.training.augmentation import RECIPE, augment_all, digest_recipe
from model.training.distribution import DistributionError, check_pairs, find_shard, make_strategy
from model.training.feature_cache import CacheError
from model.training.fitting import RunError, close_run, open_run
from model.training.heads import HeadTraining
from model.training.metrics import report_run
from model.training.preflight import InputError, check_places, read_refusal_pictures
from model.training.result import find_leftovers, write_artifact
from model.training.settings import parse_arguments
from model.training.splits import Split, read_splits

INPUT_ERRORS = (
    InputError,
    data.DataError,
    WeightsError,
    RunError,
    DistributionError,
    CacheError,
)
"""What is wrong with what the run was given; nothing was trained."""


def train(arguments: argparse.Namespace) -> Artifact | None:
    """The whole run; writes the artifact to `arguments.out` and returns its metadata.

    On several machines the first one does; the others return None. Raises one of INPUT_ERRORS,
    each with one sentence, before the first epoch.
    """
    keras.utils.set_random_seed(arguments.seed)
    commit = read_commit()  # before anyone edits the code under a long run
    strategy = make_strategy(arguments.strategy)
    if arguments.consistency:
        check_pairs(strategy, arguments.batch)
    machine = find_shard(strategy)[0]
    if machine:
        arguments.out /= f"machine-{machine}"
    use_mixed_precision(arguments.mixed_precision)
    print(json.dumps(vars(arguments), default=str, indent=2))
    beside = read_refusal_pictures(arguments)
    for leftover in find_leftovers(arguments.out):
        print(f"{leftover} is of an earlier artifact, and is deleted when the new one is written.")
    training, validation, test = read_splits(
        arguments.data, arguments.validation_share, arguments.seed, arguments.side
    )

    with strategy.scope():
        network = build_network(
            arguments.dense,
            arguments.dropout,
            arguments.l2,
            kind=arguments.network,
            side=arguments.side,
            batch_norm=arguments.batch_norm,
        )
        fresh = load_weights(network, arguments.weights)
        trained = freeze(network, arguments.trainable_layers, fresh)
    print(f"Not loaded, so trained from random values: {', '.join(fresh) or 'none'}.")
    print(f"Trained layers of ResNet50: {', '.join(trained) or 'none'}; and all after it.")

    initial = sha256_of(Path(arguments.weights)) if Path(arguments.weights).is_file() else ""
    data_digest = data.digest_xrays(training.xrays + validation.xrays)
    open_run(
        arguments.out,
        {
            "arguments": json.dumps(settings_of(arguments)),
            "data": data_digest,
            "weights": initial or arguments.weights,
            "augmentation": digest_recipe(RECIPE),
        },
    )
    seen = Split(
        np.concatenate(
            [
                augment_all(validation.images, RECIPE.validation_seed + k, hard)
                for k, hard in enumerate(RECIPE.validation_views)
            ]
        ),
        validation.xrays * len(RECIPE.validation_views),
    )
    with strategy.scope():
        history, head_history = HeadTraining(
            network, training, seen, arguments, find_shard(strategy)
        ).fit()
    if machine:
        close_run(arguments.out)
        return None
    training_record = {
        "arguments": settings_of(arguments),
        "history": history,
        "head_on_conv4": {name: values[-1] for name, values in head_history.items()},
        "images": {"train": len(training.xrays), "validation": len(validation.xrays)},
        "trained_layers": trained,
        "data_sha256": data_digest,
        "initial_weights_sha256": initial or arguments.weights,
        "commit": commit,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": describe_hardware(),
        "versions": {
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
        },
    }
    artifact = write_artifact(
        network, training, validation, test, beside, training_record, arguments
    )
    close_run(arguments.out)
    return artifact


def settings_of(arguments: argparse.Namespace) -> dict[str, object]:
    """The arguments that are no place on this machine, nor its number of threads."""
    elsewhere = (
        "data",
        "out",
        "cache",
        "metrics",
        "weights",
        "workers",
        "other_xrays",
        "not_xrays",
    )
    return {name: value for name, value in vars(arguments).items() if name not in elsewhere}


def use_mixed_precision(wanted: bool) -> None:
    """Set Keras's policy for layers built from now on. Raises DistributionError without a GPU."""
    if wanted and not tf.config.list_physical_devices("GPU"):
        raise DistributionError("--mixed-precision needs a GPU, and TensorFlow finds none.")
    keras.mixed_precision.set_global_policy("mixed_float16" if wanted else "float32")


def describe_hardware() -> str:
    """What the run computed on: `2 cores without a GPU, x86_64`, or `1 x Tesla V100-SXM2-16GB`."""
    gpus = [
        tf.config.experimental.get_device_details(device).get("device_name", "GPU")
        for device in tf.config.list_physical_devices("GPU")
    ]
    if gpus:
        return ", ".join(f"{gpus.count(name)} x {name}" for name in sorted(set(gpus)))
    return f"{len(os.sched_getaffinity(0))} cores without a GPU, {platform.machine()}"


def read_commit() -> str:
    """The commit of the code that ran, with `+changes` when files differed from it."""
    folder = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changes", "--abbrev=12", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def main(argv: Sequence[str] | None = None) -> int:
    """Run; an input that makes it impossible is reported in one line, with the status 2."""
    arguments = parse_arguments(argv)
    try:
        check_places(arguments)
        report_run(arguments.metrics, lambda: train(arguments))
    except INPUT_ERRORS as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
