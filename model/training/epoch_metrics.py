"""The progress of a training run, reported after each epoch."""

import time
from pathlib import Path

import keras

from model.training.metrics import AUC, EPOCH, EPOCHS, GAUGES, SPEED
from monitoring.metrics.textfile import GaugeFile


class ReportEpochs(keras.callbacks.Callback):
    """Writes progress, speed and AUC to the .prom `file`, if given; an epoch has `images`."""

    def __init__(self, file: Path | None, images: int) -> None:
        super().__init__()
        self._gauges = GaugeFile(file, GAUGES)
        self._images = images
        self._began = self._trained = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """The epoch starts with training."""
        self._began = time.monotonic()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Training is over, and validation starts."""
        self._trained = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Report the finished epoch."""
        self._gauges.set(EPOCH, epoch + 1)
        self._gauges.set(EPOCHS, self.params["epochs"])
        self._gauges.set(SPEED, self._images / (self._trained - self._began))
        self._gauges.set(AUC, logs["val_auc_roc"], "validation")
        self._gauges.write()
