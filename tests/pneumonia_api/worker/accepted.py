"""An accepted X-ray, ready for the worker's task."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import redis

from model.reading.ages import AgeBand
from model.reading.xray import XrayImage
from model.serving.golden import list_images
from model.serving.predictor import Prediction
from model.serving.rule import DecisionRule
from pneumonia_api.config import read_worker_config
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.publishing import TASK
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.predict_xray import PredictXray
from pneumonia_api.worker.tasks import create_worker


def answer(picture: XrayImage) -> Prediction:
    """A prediction of pneumonia by model `m1`."""
    return Prediction(
        0.9, "pneumonia", 0.5, "m1", [[0.0, 1.0]], 0.4, None, None, "float32", "pneumonia_likely"
    )


class Bench:
    """One accepted X-ray, and the task that judges it."""

    def __init__(self, client: redis.Redis, redis_url: str, folder: Path) -> None:
        settings = {"REDIS_URL": redis_url, "IMAGE_STORE": folder.as_uri()}
        self.xrays, self.images = XrayStore(client), ImageStore(folder.as_uri())
        self.task: PredictXray = create_worker(read_worker_config(settings)).tasks[TASK]
        self.calls = 0
        self.ages: AgeBand | None = None  # that the model is for
        self.xray = new_xray("doctor", "digest")
        chest, _ = list_images()[0]  # without warnings
        self.images.write_incoming(self.xray.id, chest.read_bytes())
        self.xrays.add(self.xray)

    def run(self, predict: Callable[[XrayImage], Prediction]) -> XrayRecord | None:
        """Deliver the task once, with its retries; returns the record afterwards."""

        def count(picture: XrayImage, rule: DecisionRule | None) -> Prediction:
            self.calls += 1
            assert rule is None  # no profile is switched on
            return predict(picture)

        artifact = SimpleNamespace(input_side=224, ages=self.ages, version="m1")
        self.task.predictor = SimpleNamespace(  # type: ignore[assignment]
            predict=count, artifact=artifact
        )
        self.task.apply((self.xray.id,))
        return self.xrays.get(self.xray.id) if self.xrays.exists(self.xray.id) else None
