"""Fit a model: loss, optimizer, metrics, learning rate schedule, and the best epoch."""

import csv
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np

from model.training.batches import Batches
from model.training.consistency import PairedViews
from model.training.distribution import assemble, prepare_fit
from model.training.epoch_metrics import ReportEpochs
from model.training.resume import BEST_WEIGHTS, RESUME, Backup, History, restore
from model.training.settings import Hyperparameters, RunSettings

EMA_MOMENTUM = 0.99
WARMUP_STEPS = 50
FOCAL_GAMMA = 2.0
"""As in Lin et al. 2017."""

BEST = "val_auc_roc"
"""The metric by which the best epoch is chosen."""


def balance_classes(labels: np.ndarray) -> tuple[float, float]:
    """Weights of normal and pneumonia that give both classes the same total, 1 on average.

    Three in four children of the collection are ill because of how it was collected; a normal lung
    matters as much as an ill one.
    """
    share = float(np.mean(labels))
    return 0.5 / (1 - share), 0.5 / share


def balance_sources(labels: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Weights (N,) float32, 1 on average, that give both classes (N,) the same total.

    Within a class, the total of a source (N,) grows with the square root of its images, as in
    Mahajan et al. 2018: a small collection is heard, and seven X-rays are not a third of a class.
    """
    weights = np.zeros(len(labels))
    for label in (0, 1):
        names, counts = np.unique(sources[labels == label], return_counts=True)
        totals = np.sqrt(counts) / np.sqrt(counts).sum() / 2 * len(labels)
        for name, count, total in zip(names, counts, totals, strict=True):
            weights[(labels == label) & (sources == name)] = total / count
    return weights.astype(np.float32)


def make_metrics() -> list[keras.metrics.Metric]:
    """The metrics of each epoch, on the uncalibrated probability, with a threshold of 0.5."""
    return [
        keras.metrics.BinaryAccuracy(name="accuracy"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
        keras.metrics.F1Score(average="micro", threshold=0.5, name="f1"),
        keras.metrics.AUC(name="auc_roc"),
        keras.metrics.AUC(curve="PR", name="auc_pr"),
    ]


def compile_network(model: keras.Model, steps: int, chosen: Hyperparameters) -> None:
    """Compile with the `chosen` loss and optimizer; warm-up, then cosine decay over `steps`."""
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        steps,
        warmup_target=chosen.learning_rate,
        warmup_steps=min(WARMUP_STEPS, steps // 10),
    )
    options = {"momentum": 0.9} if chosen.optimizer == "sgd" else {}
    optimizers = {
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
        "nadam": keras.optimizers.Nadam,
        "adadelta": keras.optimizers.Adadelta,
    }
    smoothing = chosen.label_smoothing
    model.compile(
        optimizer=optimizers[chosen.optimizer](
            schedule,
            weight_decay=chosen.weight_decay,
            use_ema=True,
            ema_momentum=EMA_MOMENTUM,
            # SwapEMAWeights swaps the averages in for validation and for the best epoch.
            ema_overwrite_frequency=None,
            **options,
        ),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
        if chosen.loss == "bce"
        else keras.losses.BinaryFocalCrossentropy(gamma=FOCAL_GAMMA, label_smoothing=smoothing),
        metrics=make_metrics(),
    )


def fit(model: keras.Model, batches: Batches, checks: Batches, settings: RunSettings) -> History:
    """Train `model` on `batches`, validate on `checks`, and load the epoch of the best AUC.

    Returns loss and metrics of each epoch, which training.csv has, too. Resumes from OUT/resume
    after a kill; see `open_run`. Raises RunError.
    """
    chosen, out = settings.hyperparameters, settings.out
    strategy = model.distribute_strategy
    model = assemble(model, partial(PairedViews, consistency=chosen.consistency))
    with strategy.scope():
        compile_network(model, len(batches) * chosen.epochs, chosen)
        epoch, history = restore(model, out / RESUME)
        batches.start_epoch(epoch)
        training, validation = prepare_fit(model, batches, checks)
        model.fit(
            training,
            validation_data=validation,
            steps_per_epoch=len(batches),
            validation_steps=len(checks),
            initial_epoch=epoch,
            epochs=chosen.epochs,
            shuffle=False,  # the batches are shuffled already, by the seed of the run
            callbacks=[
                # First, so that the others see the averaged weights at the end of an epoch and the
                # trained weights at the beginning of the next one.
                keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                _KeepBest(out / BEST_WEIGHTS, history, chosen.patience),
                Backup(out / RESUME, history, epoch),
                ReportEpochs(settings.metrics, len(batches) * chosen.batch),
                keras.callbacks.TensorBoard(str(out / "logs"), write_graph=False),
            ],
            verbose=1 if sys.stdout.isatty() else 2,
        )
        model.load_weights(out / BEST_WEIGHTS)
    return history


class _KeepBest(keras.callbacks.Callback):
    """Records every epoch, saves the weights of the best one, and stops early."""

    def __init__(self, weights: Path, history: History, patience: int) -> None:
        super().__init__()
        self._weights, self._history, self._patience = weights, history, patience

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        for name, value in logs.items():
            self._history.setdefault(name, []).append(round(float(value), 5))
        since = epoch - int(np.argmax(self._history[BEST]))
        if since == 0:
            self.model.save_weights(self._weights)
        if since >= self._patience:
            print(f"No improvement for {since} epochs; keeping epoch {epoch - since + 1}.")
            self.model.stop_training = True
        with (self._weights.parent / "training.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["epoch", *self._history])
            rows.writerows(
                [number, *values]
                for number, values in enumerate(zip(*self._history.values(), strict=True), start=1)
            )
