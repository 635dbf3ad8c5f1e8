"""`/metrics` of a Flask service."""

import os
from collections.abc import Iterable

from flask import Flask
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    make_wsgi_app,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from monitoring.metrics.processes import VARIABLE


class _OwnProcess(Collector):
    """The metrics of this process, if it is the only one of its service."""

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


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
