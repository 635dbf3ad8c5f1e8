"""The list of all metrics, METRICS.md, made from the code that counts them.

    python -m tests.monitoring.catalogue

writes it; so does `make metrics`. A test tells when it is out of date.
"""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import NamedTuple

from prometheus_client.metrics import MetricWrapperBase

import monitoring.metrics.exposition
import pneumonia_api.metrics
import pneumonia_api.store_metrics
import pneumonia_api.worker.metrics
import pneumonia_web.metrics
from model.training import metrics as training_metrics
from monitoring.metrics.gauges import GaugeKind
from monitoring.metrics.requests import RequestMetrics
from pneumonia_api.batch import metrics as batch_metrics
from tests.stack import ROOT

FILE = ROOT / "monitoring" / "METRICS.md"

PLACES: Mapping[str, tuple[ModuleType, ...]] = {
    "API: `/metrics` on `API_PORT`": (
        monitoring.metrics.exposition,
        pneumonia_api.metrics,
        pneumonia_api.store_metrics,
    ),
    "Web: `/metrics` on `WEB_PORT`": (monitoring.metrics.exposition, pneumonia_web.metrics),
    "Worker: `/metrics` on `WORKER_METRICS_PORT`": (
        monitoring.metrics.exposition,
        pneumonia_api.worker.metrics,
    ),
    "Training: `VAR_DIR/metrics/training.prom`": (training_metrics,),
    "Scoring of folders: `VAR_DIR/metrics/batch.prom`": (batch_metrics,),
}
"""Where metrics are exposed, and the modules that have them at their top."""

INTRODUCTION = """\
# Metrics

Made by `make metrics` from the code. What a label may say is a closed set of words, the template of
a route, a week, a release or the version of a model: nothing that identifies anybody. Of a
histogram `NAME` Prometheus has `NAME_bucket`, `NAME_sum` and `NAME_count`.

API and web add up all processes of a host. Queue, records and reviews are read from Redis when the
API is scraped, and every host of it tells the same: take `max without (instance)`. Jobs that end
leave a file for node_exporter's textfile collector; the age of the file,
`node_textfile_mtime_seconds`, tells of a run that was killed. The worker also has the client's own
`python_*` and `process_*`.
"""


class Entry(NamedTuple):
    """One metric."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def list_entries(module: ModuleType) -> Iterable[Entry]:
    """The metrics at the top of a module."""
    for value in vars(module).values():
        for metric in vars(value).values() if isinstance(value, RequestMetrics) else (value,):
            if isinstance(metric, GaugeKind):
                yield Entry(metric.name, "gauge", metric.labels, metric.meaning)
            elif isinstance(metric, MetricWrapperBase):
                [family] = metric.describe()
                name = f"{family.name}_total" if family.type == "counter" else family.name
                # The client has no public way to ask for them.
                yield Entry(name, family.type, metric._labelnames, family.documentation)
            elif isinstance(metric, tuple) and metric and isinstance(metric[0], GaugeKind):
                for kind in metric:
                    yield Entry(kind.name, "gauge", kind.labels, kind.meaning)


def list_catalogue() -> dict[str, list[Entry]]:
    """All metrics, by where they are exposed."""
    return {
        place: [entry for module in modules for entry in list_entries(module)]
        for place, modules in PLACES.items()
    }


def render() -> str:
    """The text of METRICS.md."""
    text = INTRODUCTION
    for place, entries in list_catalogue().items():
        text += f"\n## {place}\n\n| name | type | labels | meaning |\n|---|---|---|---|\n"
        for name, kind, labels, meaning in entries:
            named = ", ".join(f"`{label}`" for label in labels)
            text += f"| `{name}` | {kind} | {named} | {meaning} |\n"
    return text


if __name__ == "__main__":
    FILE.write_text(render())
