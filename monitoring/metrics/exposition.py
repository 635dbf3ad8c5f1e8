"""`/metrics` of a Flask service, and the release that it runs."""

import os
from collections.abc import Iterable

from flask import Flask
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    make_wsgi_app,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from monitoring.metrics.processes import VARIABLE
from monitoring.metrics.release import RELEASE

disable_created_metrics()  # a second series for each counter, which is not used

RELEASE_INFO = Gauge(
    "pneumonia_release_info",
    "1 for the release that the service runs.",
    ("service", "release"),
    multiprocess_mode="livemax",
)


class _OwnProcess(Collector):
    """The metrics of this process, if it is the only one of its service."""

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


def expose_release(service: str) -> None:
    """Expose the release that this process, the service `service`, runs."""
    RELEASE_INFO.labels(service, RELEASE).set(1)


def mount_metrics(app: Flask, *collectors: Collector) -> None:
    """Serve `/metrics` alongside the routes of `app`; each scrape also calls `collectors`."""
    registry = CollectorRegistry()
    if VARIABLE in os.environ:
        MultiProcessCollector(registry)
    else:
        registry.register(_OwnProcess())
    for collector in collectors:
        registry.register(collector)
    mounts = {"/metrics": make_wsgi_app(registry)}
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, mounts)  # type: ignore[method-assign]
