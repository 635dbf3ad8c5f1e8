"""Metrics of the worker; it is one process, so there are no multi-process files."""

import time
from collections import Counter as Counts
from collections.abc import Iterable
from datetime import UTC, datetime

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from model.reading.ages import AGES, Age
from model.reading.limits import REASONS
from model.serving.artifact import Artifact
from model.serving.artifact_store import STATES
from model.serving.finding import FINDINGS
from model.serving.precision import PRECISIONS, Precision
from model.serving.predictor import Prediction
from monitoring.metrics.gauges import GaugeKind
from pneumonia_api.records.desk import DOCUMENT
from pneumonia_api.records.record import BATCH_SOURCE, XrayRecord

UNLIKE_CHEST = "unlike_chest"
"""The reason of a refusal by the network; `model.reading.limits` has those for files."""

XRAYS = Counter(
    "pneumonia_worker_xrays_total", "X-rays finished: done, rejected or failed.", ("status",)
)
RETRIES = Counter("pneumonia_worker_retries_total", "Retries after a fault on our side.")
STEPS = Histogram(
    "pneumonia_worker_step_seconds",
    "Time of one step on one X-ray: decode, predict, store, or keep the film, for which no result "
    "waits.",
    ("step",),
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
REPORTS = Histogram(
    "pneumonia_worker_report_seconds",
    "Time to draw one report, by its form: pdf or a DICOM object of a read X-ray; or document, of "
    "an acceptance.",
    ("form",),
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
EXPIRED = Counter(
    "pneumonia_worker_expired_total",
    "X-rays removed with record, preview and film, because they are older than the site keeps.",
)
XRAY_SECONDS = Histogram(
    "pneumonia_worker_xray_seconds",
    "From accepting an upload to its end state; X-rays of an archive are left out, because nobody "
    "waits for them.",
    buckets=(0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
PREDICTIONS = Counter(
    "pneumonia_worker_predictions_total", "X-rays judged, by decision.", ("decision", "model")
)
FINDINGS_SHOWN = Counter(
    "pneumonia_worker_findings_total",
    "X-rays judged, by finding: the decision, or uncertain in the band around the threshold.",
    ("finding", "model"),
)
AGES_READ = Counter(
    "pneumonia_worker_ages_total",
    "X-rays judged, by what the file says of the patient's age in relation to the ages that the "
    "model is for.",
    ("age",),
)
REFUSALS = Counter(
    "pneumonia_worker_refusals_total",
    f"X-rays not judged: {UNLIKE_CHEST} (by the network), or {', '.join(REASONS)} (by the file).",
    ("reason",),
)
DOUBTS = Counter(
    "pneumonia_worker_doubts_total",
    "X-rays judged with a warning that they are unlike most that the network has seen.",
)
PROBABILITY = Histogram(
    "pneumonia_worker_probability",
    "Probability of pneumonia of the X-rays judged, as the model calibrates it, whatever a site "
    "profile makes of it.",
    ("model",),
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
OOD_SCORE = Histogram(
    "pneumonia_worker_ood_score",
    "How unlike a chest X-ray each image is; above 1 the network refuses it.",
    ("model",),
    buckets=(0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 5),
)
COMPUTED = Counter(
    "pneumonia_worker_computed_total",
    "X-rays judged or refused by the network, by the arithmetic of the answer. Where a worker runs "
    "in bfloat16, float32 counts those so near a limit that they were computed again.",
    ("precision",),
)
SWITCHES = Counter(
    "pneumonia_worker_model_switches_total",
    "Changes to another promoted model: switched, failed (the worker keeps the previous one), or "
    "unreachable (the artifact store did not answer).",
    ("outcome",),
)
THREAD_ERRORS = Counter(
    "pneumonia_worker_thread_errors_total",
    "Crashes of threads that run alongside the tasks; the log has the traceback.",
    ("thread",),
)

MODEL_INFO = GaugeKind(
    "pneumonia_worker_model_info",
    "1 for the model that the worker serves, and the arithmetic that it runs in: float32 or "
    "bfloat16.",
    ("model", "precision"),
)
MODEL_LOADED = GaugeKind(
    "pneumonia_worker_model_loaded_timestamp_seconds", "When the worker began to serve its model."
)
MODEL_TRAINED = GaugeKind(
    "pneumonia_worker_model_trained_timestamp_seconds",
    "When the model was trained; absent if its artifact does not say.",
)
MODELS_PUBLISHED = GaugeKind(
    "pneumonia_worker_published_models",
    f"Models in the artifact store by state: {', '.join(STATES)}; absent without a store.",
    ("state",),
)

# Start every series at 0: `rate` and `increase` would miss the first event of a new series.
for _status in ("done", "rejected", "failed"):
    XRAYS.labels(_status)
for _step in ("decode", "predict", "store", "film"):
    STEPS.labels(_step)
for _reason in (UNLIKE_CHEST, *REASONS):
    REFUSALS.labels(_reason)
for _form in ("pdf", "sr.dcm", "sc.dcm", "gsps.dcm", "pm.dcm", DOCUMENT):
    REPORTS.labels(_form)
for _age in AGES:
    AGES_READ.labels(_age)
for _precision in PRECISIONS:
    COMPUTED.labels(_precision)
for _outcome in ("switched", "failed", "unreachable"):
    SWITCHES.labels(_outcome)
for _thread in ("keep_house", "keep_images_clean", "keep_upgrading", "follow", "models"):
    THREAD_ERRORS.labels(_thread)


class ModelFacts(Collector):
    """Which model the worker serves; exposes nothing before there is one."""

    def __init__(self) -> None:
        self._gauges: list[Metric] = []
        self._published: list[Metric] = []

    def set(self, artifact: Artifact, precision: Precision) -> None:
        """The worker serves `artifact` in `precision` from now on."""
        for decision in artifact.classes:
            PREDICTIONS.labels(decision, artifact.version)
        for finding in FINDINGS:
            FINDINGS_SHOWN.labels(finding, artifact.version)
        PROBABILITY.labels(artifact.version)
        OOD_SCORE.labels(artifact.version)
        trained = artifact.training.get("trained_at")
        known: dict[tuple[str, ...], float] = (
            {(): datetime.fromisoformat(trained).timestamp()} if trained else {}
        )
        self._gauges = [
            MODEL_INFO.show({(artifact.version, precision): 1}),
            MODEL_LOADED.show({(): time.time()}),
            MODEL_TRAINED.show(known),
        ]

    def count_published(self, states: Iterable[str]) -> None:
        """Expose how many models of the artifact store are in which state."""
        counts = Counts(states)
        self._published = [MODELS_PUBLISHED.show({(state,): counts[state] for state in STATES})]

    def collect(self) -> Iterable[Metric]:
        """The gauges of the served model and of the artifact store."""
        return self._gauges + self._published


MODEL = ModelFacts()
REGISTRY.register(MODEL)


def count_end(xray: XrayRecord) -> None:
    """Count a record that has reached its end state."""
    XRAYS.labels(xray.status).inc()
    if xray.source != BATCH_SOURCE:
        age = datetime.now(UTC) - datetime.fromisoformat(xray.created_at)
        XRAY_SECONDS.observe(max(0.0, age.total_seconds()))


def count_answer(prediction: Prediction, age: Age) -> None:
    """Count the prediction for an X-ray whose record was stored, and the `age` that was read."""
    OOD_SCORE.labels(prediction.model).observe(prediction.ood)
    COMPUTED.labels(prediction.precision).inc()
    if prediction.refusal:
        REFUSALS.labels(UNLIKE_CHEST).inc()
        return
    PREDICTIONS.labels(prediction.decision, prediction.model).inc()
    FINDINGS_SHOWN.labels(prediction.finding, prediction.model).inc()
    AGES_READ.labels(age).inc()
    own = prediction.model_probability
    PROBABILITY.labels(prediction.model).observe(prediction.probability if own is None else own)
    if prediction.warning:
        DOUBTS.inc()
