"""What the worker counts and tells of its model; a process of its own, so nothing is added up."""

import time
from collections import Counter as Counts
from collections.abc import Iterable
from datetime import UTC, datetime

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from model.reading.limits import REASONS
from model.serving.artifact import Artifact
from model.serving.artifact_store import STATES
from model.serving.predictor import Prediction
from monitoring.metrics.gauges import GaugeKind
from pneumonia_api.records.xrays import BATCH_SOURCE, XrayRecord

UNLIKE_CHEST = "unlike_chest"
"""The reason of a refusal by the network, beside those of `model.reading.limits` for files."""

XRAYS = Counter(
    "pneumonia_worker_xrays_total", "X-rays finished: done, rejected or failed.", ("status",)
)
RETRIES = Counter("pneumonia_worker_retries_total", "Tries again after a fault of ours.")
STEPS = Histogram(
    "pneumonia_worker_step_seconds",
    "Time of one step on one X-ray: decode, predict or store.",
    ("step",),
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
XRAY_SECONDS = Histogram(
    "pneumonia_worker_xray_seconds",
    "From the acceptance of an upload to its end state; X-rays of a folder are left out, because "
    "nobody waits for them.",
    buckets=(0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
PREDICTIONS = Counter(
    "pneumonia_worker_predictions_total", "X-rays judged, by decision.", ("decision", "model")
)
REFUSALS = Counter(
    "pneumonia_worker_refusals_total",
    f"X-rays not judged: {UNLIKE_CHEST} (by the network), or {', '.join(REASONS)} (by the file).",
    ("reason",),
)
DOUBTS = Counter(
    "pneumonia_worker_doubts_total",
    "X-rays judged with the warning that they are unlike most that the network has seen.",
)
PROBABILITY = Histogram(
    "pneumonia_worker_probability",
    "Calibrated probability of pneumonia of the X-rays judged.",
    ("model",),
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
OOD_SCORE = Histogram(
    "pneumonia_worker_ood_score",
    "How unlike a chest X-ray each image is that the network saw; above 1 it is refused.",
    ("model",),
    buckets=(0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 5),
)
SWITCHES = Counter(
    "pneumonia_worker_model_switches_total",
    "Changes to another promoted model: switched, or failed (the one before is served on); "
    "unreachable: the artifact store did not answer.",
    ("outcome",),
)
THREAD_ERRORS = Counter(
    "pneumonia_worker_thread_errors_total",
    "Unforeseen errors in what the worker does next to its tasks; the log has the traceback.",
    ("thread",),
)

MODEL_INFO = GaugeKind(
    "pneumonia_worker_model_info", "1 for the model that the worker runs.", ("model",)
)
MODEL_LOADED = GaugeKind(
    "pneumonia_worker_model_loaded_timestamp_seconds", "When the worker began to run its model."
)
MODEL_TRAINED = GaugeKind(
    "pneumonia_worker_model_trained_timestamp_seconds",
    "When the model was trained; absent when its artifact does not tell.",
)
MODELS_PUBLISHED = GaugeKind(
    "pneumonia_worker_published_models",
    f"Models in the artifact store by state: {', '.join(STATES)}; absent without a store.",
    ("state",),
)

# From the start at 0, for the first of a kind would not be seen to rise.
for _status in ("done", "rejected", "failed"):
    XRAYS.labels(_status)
for _step in ("decode", "predict", "store"):
    STEPS.labels(_step)
for _reason in (UNLIKE_CHEST, *REASONS):
    REFUSALS.labels(_reason)
for _outcome in ("switched", "failed", "unreachable"):
    SWITCHES.labels(_outcome)
for _thread in ("keep_house", "keep_images_clean", "follow", "models"):
    THREAD_ERRORS.labels(_thread)


class ModelFacts(Collector):
    """Which model the worker runs; nothing before it runs one."""

    def __init__(self) -> None:
        self._gauges: list[Metric] = []
        self._published: list[Metric] = []

    def tell(self, artifact: Artifact) -> None:
        """`artifact` runs from now on."""
        for decision in artifact.classes:
            PREDICTIONS.labels(decision, artifact.version)
        PROBABILITY.labels(artifact.version)
        OOD_SCORE.labels(artifact.version)
        trained = artifact.training.get("trained_at")
        known: dict[tuple[str, ...], float] = (
            {(): datetime.fromisoformat(trained).timestamp()} if trained else {}
        )
        self._gauges = [
            MODEL_INFO.show({(artifact.version,): 1}),
            MODEL_LOADED.show({(): time.time()}),
            MODEL_TRAINED.show(known),
        ]

    def count_published(self, states: Iterable[str]) -> None:
        """The artifact store has a model in each of `states`."""
        counts = Counts(states)
        self._published = [MODELS_PUBLISHED.show({(state,): counts[state] for state in STATES})]

    def collect(self) -> Iterable[Metric]:
        """The gauges of the present model and of those in the store."""
        return self._gauges + self._published


MODEL = ModelFacts()
REGISTRY.register(MODEL)


def count_end(xray: XrayRecord) -> None:
    """Count a record that has just reached its end state."""
    XRAYS.labels(xray.status).inc()
    if xray.source != BATCH_SOURCE:
        age = datetime.now(UTC) - datetime.fromisoformat(xray.created_at)
        XRAY_SECONDS.observe(max(0.0, age.total_seconds()))


def count_answer(prediction: Prediction) -> None:
    """Count what the network made of an X-ray whose record has just been stored."""
    OOD_SCORE.labels(prediction.model).observe(prediction.ood)
    if prediction.refusal:
        REFUSALS.labels(UNLIKE_CHEST).inc()
        return
    PREDICTIONS.labels(prediction.decision, prediction.model).inc()
    PROBABILITY.labels(prediction.model).observe(prediction.probability)
    if prediction.warning:
        DOUBTS.inc()
