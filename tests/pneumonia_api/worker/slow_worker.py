"""The worker with a network that takes long, and a queue that is soon impatient; for its tests.

Each X-ray takes SLOW_SECONDS and adds a line with its worker's process to the file JUDGED.
"""

import os
import time
from pathlib import Path

from celery import signals

from model.cage.pool import CagedXray
from model.reading.xray import XrayImage
from model.serving.predictor import Prediction, Predictor
from pneumonia_api.config import read_worker_config
from pneumonia_api.records.publishing import TASK
from pneumonia_api.worker import tasks

tasks.VISIBILITY_SECONDS, tasks.RESTORE_SECONDS = 3, 1
app = tasks.create_worker(read_worker_config())
predict = Predictor.predict


def predict_slowly(self: Predictor, xray: XrayImage | CagedXray) -> Prediction:
    """As it does, but later."""
    with Path(os.environ["JUDGED"]).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(float(os.environ["SLOW_SECONDS"]))
    return predict(self, xray)


@signals.worker_ready.connect(weak=False)
def slow_down(**_: object) -> None:
    """From now on, for the model is warmed by a prediction."""
    assert TASK in app.tasks
    Predictor.predict = predict_slowly  # type: ignore[method-assign]
