#!/usr/bin/env python
"""One training run: fine-tune ResNet50 on chest X-rays and write the artifact.

    python -m model.cnn --data ../shared/data/kermany224 \
        --weights ../shared/weights/resnet50_imagenet_conv1_to_conv4.npz --out var/training

Patients are split first; conv1 to conv4 keep their ImageNet weights and run once for each augmented
view, their outputs kept on disk (float16, 400 KB an image); conv5 and the head are trained on them.
Epoch, threshold and calibration are chosen on augmented views of the validation patients, because
the plain ones look solved (AUC 0.997) while the test does not. Test is read once, at the end.
A run that was killed goes on where it stopped when started again with the same arguments.
"""

import argparse
import hashlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from model import data, evaluation, plots
from model.artifact import WEIGHTS_NAME, Artifact, sha256_of, write_metadata
from model.card import write_card
from model.features import FeatureBatches, cache_features
from model.network import (
    build_network,
    build_serving_network,
    load_imagenet,
    save_weights_compact,
    split_network,
)
from model.xray import INPUT_SIDE, model_input, squash

# A hard and a mild view of each validation X-ray, by a seed that no training view has.
VALIDATION_VIEWS = (True, False)
CHECK_SEED = 1020
EMA_MOMENTUM = 0.99


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; everything that a run depends on."""
    parser = argparse.ArgumentParser(
        prog="model/cnn.py",
        usage="%(prog)s --data FOLDER --weights FILE --out FOLDER [options, see --help]",
        description="Fine-tune ResNet50 to detect pneumonia in chest X-rays.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument("--weights", type=Path, required=True, help=".npz of ImageNet weights")
    parser.add_argument("--out", type=Path, required=True, help="folder for the artifact")
    parser.add_argument("--cache", type=Path, help="folder for features (default: OUT/cache)")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--views", type=int, default=6, help="augmented views of each image")
    parser.add_argument("--dense", type=int, nargs="+", default=[256], help="units of the head")
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--l2", type=float, default=1e-4, help="on the kernels of the head")
    parser.add_argument("--weight-decay", type=float, default=0.004, help="decoupled, all layers")
    parser.add_argument("--label-smoothing", type=float, default=0.05)
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--batch", type=int, default=32, help="images in a training step")
    parser.add_argument("--validation-share", type=float, default=0.15, help="of the patients")
    parser.add_argument(
        "--sensitivity", type=float, default=0.97, help="on validation, sets the threshold"
    )
    parser.add_argument("--seed", type=int, default=20)
    return parser.parse_args(argv)


def train(arguments: argparse.Namespace) -> Artifact:
    """The whole run; writes the artifact to `arguments.out` and returns its metadata."""
    keras.utils.set_random_seed(arguments.seed)
    commit = read_commit()  # before anyone edits the code under a long run
    print(json.dumps(vars(arguments), default=str, indent=2))
    xrays = data.list_xrays(arguments.data / "train")
    training, validation = data.split_by_patient(xrays, arguments.validation_share, arguments.seed)
    train_images, train_xrays, unreadable = data.load_inputs(training, squash)
    validation_images, validation_xrays, more = data.load_inputs(validation, squash)
    for xray in unreadable + more:
        print(f"skipped, not readable: {xray.path}")
    print(f"{len(train_xrays)} training and {len(validation_xrays)} validation X-rays")

    network = build_network(arguments.dense, arguments.dropout, arguments.l2)
    fresh = load_imagenet(network, arguments.weights)
    print(f"trained from random values: {', '.join(fresh)}")
    trunk, rest = split_network(network)

    cache = arguments.cache or arguments.out / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    # A cache made from other images, weights, seed or augmentation is another cache.
    recipe = hashlib.sha256(inspect.getsource(data.augment).encode()).hexdigest()
    sources = (data.digest_xrays(train_xrays), sha256_of(arguments.weights), recipe)
    key = "-".join([*(digest[:8] for digest in sources), str(arguments.seed)])
    # Every third view is a mild one: what comes to be judged has shutters and letters of its own.
    views = [
        cache_features(
            trunk,
            train_images,
            arguments.seed + k,
            k % 3 != 2,
            cache / f"train-{key}-{k}.npy",
        )
        for k in range(arguments.views)
    ]
    checks = [
        cache_features(
            trunk, validation_images, CHECK_SEED + k, hard, cache / f"validation-{key}-{k}.npy"
        )
        for k, hard in enumerate(VALIDATION_VIEWS)
    ]
    check_labels = np.tile([x.label for x in validation_xrays], len(VALIDATION_VIEWS))
    history = fit(rest, views, train_xrays, np.concatenate(checks), check_labels, arguments)

    weights_file = arguments.out / WEIGHTS_NAME
    save_weights_compact(network, weights_file)
    serving = build_serving_network(network)
    seen = [
        data.augment_all(validation_images, CHECK_SEED + k, hard)
        for k, hard in enumerate(VALIDATION_VIEWS)
    ]
    checked = serving.predict(np.concatenate(seen).astype(np.float32), batch_size=32, verbose=0)
    calibration = evaluation.fit_calibration(checked["logit"][:, 0], check_labels)
    probabilities = evaluation.calibrate(checked["logit"][:, 0], calibration)
    threshold = evaluation.choose_threshold(probabilities, check_labels, arguments.sensitivity)
    peaks = checked["heatmap"].max(axis=(1, 2))[check_labels == 1]
    scores = {
        "validation_augmented": evaluation.score_predictions(
            check_labels,
            probabilities,
            threshold,
            [x.patient for x in validation_xrays] * len(VALIDATION_VIEWS),
            arguments.seed,
        ),
        "test": test(serving, calibration, threshold, arguments),
    }
    plots.plot_training(history, arguments.out / "training.png")
    artifact = Artifact(
        classes=data.CLASSES,
        input_side=INPUT_SIDE,
        threshold=threshold,
        calibration=calibration,
        heatmap_reference=float(np.median(peaks)),
        scores=scores,
        training={
            "arguments": {k: v for k, v in vars(arguments).items() if not isinstance(v, Path)},
            "history": history,
            "images": {"train": len(train_xrays), "validation": len(validation_xrays)},
            "data_sha256": data.digest_xrays(xrays),
            "initial_weights_sha256": sha256_of(arguments.weights),
            "commit": commit,
            "versions": {"keras": keras.__version__, "numpy": np.__version__},
        },
        weights_sha256=sha256_of(weights_file),
    )
    write_metadata(arguments.out, artifact)
    write_card(arguments.out, artifact)
    print(json.dumps(scores, indent=2))
    return artifact


def fit(
    rest: keras.Model,
    views: Sequence[np.ndarray],
    xrays: Sequence[data.LabelledXray],
    check_features: np.ndarray,
    check_labels: np.ndarray,
    arguments: argparse.Namespace,
) -> dict[str, list[float]]:
    """Train conv5 and the head; `rest` is left with the best epoch's weights by validation AUC."""
    batches = FeatureBatches(
        views, np.array([x.label for x in xrays]), arguments.batch, arguments.seed
    )
    steps = len(batches) * arguments.epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=arguments.learning_rate, warmup_steps=min(50, steps // 10)
    )
    rest.compile(
        optimizer=keras.optimizers.Adam(
            schedule,
            weight_decay=arguments.weight_decay,
            use_ema=True,
            ema_momentum=EMA_MOMENTUM,
            # Averages become the weights by the callback below, for validation and the best epoch.
            ema_overwrite_frequency=None,
        ),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=arguments.label_smoothing),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy"), keras.metrics.AUC(name="auc_roc")],
    )
    # Three in four children of the set are ill because of how it was collected; a normal lung is
    # worth as much as an ill one.
    share = float(np.mean([x.label for x in xrays]))
    class_weight = {0: 0.5 / (1 - share), 1: 0.5 / share}
    best = str(arguments.out / "best.weights.h5")
    fitted = rest.fit(
        batches,
        validation_data=(check_features, check_labels),
        epochs=arguments.epochs,
        class_weight=class_weight,
        callbacks=[
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            keras.callbacks.ModelCheckpoint(
                best, "val_auc_roc", mode="max", save_best_only=True, save_weights_only=True
            ),
            keras.callbacks.BackupAndRestore(str(arguments.out / "resume")),
        ],
        verbose=2,
    )
    rest.load_weights(best)
    return {name: [round(float(v), 5) for v in values] for name, values in fitted.history.items()}


def test(
    serving: keras.Model,
    calibration: dict[str, float],
    threshold: float,
    arguments: argparse.Namespace,
) -> dict[str, object]:
    """Scores on the official test split, unaugmented, and their plot."""
    images, xrays, unreadable = data.load_inputs(
        data.list_xrays(arguments.data / "test"), model_input
    )
    for xray in unreadable:
        print(f"skipped, not readable: {xray.path}")
    logits = serving.predict(images.astype(np.float32), batch_size=32, verbose=0)["logit"][:, 0]
    probabilities = evaluation.calibrate(logits, calibration)
    labels = np.array([x.label for x in xrays])
    figures = evaluation.evaluate(
        labels, probabilities, threshold, [x.patient for x in xrays], arguments.seed
    )
    plots.plot_evaluation(figures, arguments.out / "evaluation.png")
    return figures["scores"]


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
    """Run; a data folder that cannot be used is told in one line."""
    arguments = parse_arguments(argv)
    try:
        train(arguments)
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
