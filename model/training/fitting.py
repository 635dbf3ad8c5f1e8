"""Fitting: loss, optimizer, metrics and schedule; the best epoch; going on after a kill."""

import argparse
import csv
import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from model.training.batches import Batches
from model.training.consistency import PairedViews
from model.training.distribution import assemble, prepare_fit
from model.training.epoch_metrics import ReportEpochs

EMA_MOMENTUM = 0.99
WARMUP_STEPS = 50
FOCAL_GAMMA = 2.0
"""As in Lin et al. 2017."""

BEST = "val_auc_roc"
RESUME = "resume"
HEAD_FOLDER = "head"
"""Of OUT, for the record of the head on conv4."""

_BEST_WEIGHTS = "best.weights.h5"
_STATE = "state.json"


class RunError(ValueError):
    """The run cannot begin or go on; the message is one sentence."""


def open_run(out: Path, identity: dict[str, str]) -> None:
    """Make `out` ready for this run: a new one begins clean, one that was killed goes on.

    `identity` is what the run depends on. Raises RunError when the run that was killed in `out`
    depended on something else: neither of the two could be told from the result.
    """
    file = out / RESUME / "run.json"
    if file.exists():
        try:
            killed = json.loads(file.read_text())
        except ValueError as error:
            raise RunError(
                f"{file} is damaged; remove {file.parent}, and the run begins again."
            ) from error
        changed = [name for name in identity if killed.get(name) != identity[name]]
        if changed:
            raise RunError(
                f"A run with other {', '.join(changed)} was not finished in {out}: start that one "
                f"again, remove {out / RESUME}, or give another --out."
            )
        return
    shutil.rmtree(out / "logs", ignore_errors=True)
    # The head's may have outlived that of the run, which people are told to remove.
    for folder in (out, out / HEAD_FOLDER):
        shutil.rmtree(folder / RESUME, ignore_errors=True)
    file.parent.mkdir(parents=True)
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(identity, indent=2))
    partial.rename(file)


def close_run(out: Path) -> None:
    """Forget what only a run that was killed needs; the next run in `out` is a new one."""
    shutil.rmtree(out / RESUME)
    (out / _BEST_WEIGHTS).unlink()


def balance_classes(labels: np.ndarray) -> tuple[float, float]:
    """Weights by which both classes count the same, 1 on average.

    Three in four children of the set are ill because of how it was collected; a normal lung is
    worth as much as an ill one.
    """
    share = float(np.mean(labels))
    return 0.5 / (1 - share), 0.5 / share


def make_metrics() -> list[keras.metrics.Metric]:
    """Figures of each epoch, of the uncalibrated probability and at 0.5 where one is needed."""
    return [
        keras.metrics.BinaryAccuracy(name="accuracy"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
        keras.metrics.F1Score(average="micro", threshold=0.5, name="f1"),
        keras.metrics.AUC(name="auc_roc"),
        keras.metrics.AUC(curve="PR", name="auc_pr"),
    ]


def compile_network(model: keras.Model, steps: int, arguments: argparse.Namespace) -> None:
    """Loss, metrics, and an optimizer whose rate warms up and falls on a cosine over `steps`."""
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        steps,
        warmup_target=arguments.learning_rate,
        warmup_steps=min(WARMUP_STEPS, steps // 10),
    )
    options: dict[str, Any] = {"momentum": 0.9} if arguments.optimizer == "sgd" else {}
    optimizers = {
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
        "nadam": keras.optimizers.Nadam,
        "adadelta": keras.optimizers.Adadelta,
    }
    smoothing = arguments.label_smoothing
    model.compile(
        optimizer=optimizers[arguments.optimizer](
            schedule,
            weight_decay=arguments.weight_decay,
            use_ema=True,
            ema_momentum=EMA_MOMENTUM,
            # Averages become the weights by a callback, for validation and the best epoch.
            ema_overwrite_frequency=None,
            **options,
        ),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
        if arguments.loss == "bce"
        else keras.losses.BinaryFocalCrossentropy(gamma=FOCAL_GAMMA, label_smoothing=smoothing),
        metrics=make_metrics(),
    )


def fit(
    model: keras.Model, batches: Batches, checks: Batches, arguments: argparse.Namespace
) -> dict[str, list[float]]:
    """Train `model` and leave it with the weights of the best epoch by validation AUC.

    Returns loss and metrics of each epoch, also in training.csv. What it needs to go on after a
    kill is in OUT/resume; see `open_run`.
    """
    strategy = model.distribute_strategy
    model = assemble(model, partial(PairedViews, consistency=arguments.consistency))
    best = arguments.out / _BEST_WEIGHTS
    with strategy.scope():
        compile_network(model, len(batches) * arguments.epochs, arguments)
        epoch, history = _restore(model, arguments.out / RESUME)
        batches.start_epoch(epoch)
        training, validation = prepare_fit(model, batches, checks)
        model.fit(
            training,
            validation_data=validation,
            steps_per_epoch=len(batches),
            validation_steps=len(checks),
            initial_epoch=epoch,
            epochs=arguments.epochs,
            shuffle=False,  # the batches are, by the run's own seed
            callbacks=[
                # First, so that the others meet the averages at the end of an epoch, and the
                # trained weights themselves at the beginning of the next.
                keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                _KeepBest(best, history, arguments.patience),
                _Backup(arguments.out / RESUME, history, epoch),
                ReportEpochs(arguments.metrics, len(batches) * arguments.batch),
                keras.callbacks.TensorBoard(str(arguments.out / "logs"), write_graph=False),
            ],
            verbose=1 if sys.stdout.isatty() else 2,
        )
        model.load_weights(best)
    return history


class _KeepBest(keras.callbacks.Callback):
    """Records each epoch, keeps the best one's weights, and ends when none better comes."""

    def __init__(self, weights: Path, history: dict[str, list[float]], patience: int) -> None:
        super().__init__()
        self._weights, self._history, self._patience = weights, history, patience

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        for name, value in logs.items():
            self._history.setdefault(name, []).append(round(float(value), 5))
        since = epoch - int(np.argmax(self._history[BEST]))
        if since == 0:
            self.model.save_weights(self._weights)
        if since >= self._patience:
            print(f"No better epoch for {since}; epoch {epoch - since + 1} is kept.")
            self.model.stop_training = True
        with (self._weights.parent / "training.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["epoch", *self._history])
            rows.writerows(
                [number, *values]
                for number, values in enumerate(zip(*self._history.values(), strict=True), start=1)
            )


class _Backup(keras.callbacks.Callback):
    """Keeps weights, optimizer and record on the disk as each epoch but the first begins.

    The state file is replaced in one step and names the weights, so a kill at any moment leaves a
    whole backup. Keras's BackupAndRestore knows nothing of best epoch and record, and would keep
    the averaged weights in the place of the trained ones.
    """

    def __init__(self, folder: Path, history: dict[str, list[float]], first_epoch: int) -> None:
        super().__init__()
        self._folder, self._history, self._first = folder, history, first_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch == self._first:
            return
        weights = self._folder / f"epoch-{epoch}.weights.h5"
        self.model.save_weights(weights)
        partial = self._folder / f"{_STATE}.part"
        partial.write_text(
            json.dumps({"epoch": epoch, "weights": weights.name, "history": self._history})
        )
        partial.replace(self._folder / _STATE)
        for old in self._folder.glob("*.weights.h5"):
            if old != weights:
                old.unlink()


def _restore(model: keras.Model, folder: Path) -> tuple[int, dict[str, list[float]]]:
    """The epoch to begin with and the record until then; loads what `_Backup` kept."""
    if not (folder / _STATE).exists():
        return 0, {}
    try:
        state = json.loads((folder / _STATE).read_text())
        model.optimizer.build(model.trainable_variables)
        model.load_weights(folder / state["weights"])
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            f"What a killed run left in {folder} is damaged; remove it, and the run begins again."
        ) from error
    print(f"Going on with epoch {state['epoch'] + 1}.")
    return state["epoch"], state["history"]
