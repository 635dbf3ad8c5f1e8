"""A worker with a slow network and a short visibility timeout, for tests.

Each X-ray takes SLOW_SECONDS and adds a line with its worker's process to the file JUDGED.
"""

import os
import time
from pathlib import Path

from celery import signals

from model.cage.pool import CagedXray
from model.reading.xray import XrayImage
from model.serving.predictor import Prediction, Predictor
from model.serving.rule import DecisionRule
from pneumonia_api.config import read_worker_config
from pneumonia_api.records.publishing import TASK
from pneumonia_api.worker import tasks

tasks.VISIBILITY_SECONDS, tasks.RESTORE_SECONDS = 3, 1
app = tasks.create_worker(read_worker_config())
predict = Predictor.predict


def predict_slowly(
    self: Predictor, xray: XrayImage | CagedXray, rule: DecisionRule | None = None
) -> Prediction:
    """Predict after SLOW_SECONDS."""
    with Path(os.environ["JUDGED"]).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(float(os.environ["SLOW_SECONDS"]))
    return predict(self, xray, rule)


@signals.worker_ready.connect(weak=False)
def slow_down(**_: object) -> None:
    """Only from now on, because a prediction warms the model."""
    assert TASK in app.tasks
    Predictor.predict = predict_slowly  # type: ignore[method-assign]
