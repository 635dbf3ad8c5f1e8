"""Gauges of a training run, in a .prom file that is replaced at its start, epochs and end."""

import time
from collections.abc import Callable
from pathlib import Path

from model.serving.artifact import Artifact
from monitoring.metrics.gauges import GaugeKind
from monitoring.metrics.textfile import GaugeFile

RUNNING = "pneumonia_training_running"
EPOCH = "pneumonia_training_epoch"
EPOCHS = "pneumonia_training_epochs"
SPEED = "pneumonia_training_images_per_second"
AUC = "pneumonia_training_auc"
STARTED = "pneumonia_training_started_timestamp_seconds"
SUCCEEDED = "pneumonia_training_last_success_timestamp_seconds"
DURATION = "pneumonia_training_duration_seconds"

GAUGES = (
    GaugeKind(RUNNING, "1 during a run. A killed run leaves 1 in a file that no longer changes."),
    GaugeKind(EPOCH, "Epochs finished of the part that is being trained."),
    GaugeKind(EPOCHS, "Maximum number of epochs of the part that is being trained."),
    GaugeKind(SPEED, "Images per second in the training of the last epoch."),
    GaugeKind(
        AUC,
        "Area under the ROC curve: on validation after the last epoch and, in the end, of the "
        "artifact; on test of the last run that succeeded.",
        ("split",),
    ),
    GaugeKind(STARTED, "When the current or last run started."),
    GaugeKind(SUCCEEDED, "When a run last ended with an artifact."),
    GaugeKind(DURATION, "Duration of the last run that succeeded."),
)


def report_run(file: Path | None, train: Callable[[], Artifact | None]) -> None:
    """Call `train`; report in `file`, if given, that it is running and how it ended."""
    started = time.time()
    gauges = GaugeFile(file, GAUGES)
    gauges.set(RUNNING, 1)
    gauges.set(STARTED, started)
    gauges.set(EPOCH, 0)
    gauges.write()
    artifact = None
    try:
        artifact = train()
    finally:
        gauges = GaugeFile(file, GAUGES)  # the epochs have written to it meanwhile
        gauges.set(RUNNING, 0)
        if artifact:
            gauges.set(SUCCEEDED, time.time())
            gauges.set(DURATION, time.time() - started)
            for split in ("validation", "test"):
                gauges.set(AUC, artifact.scores[split]["auc_roc"][0], split)
        gauges.write()
