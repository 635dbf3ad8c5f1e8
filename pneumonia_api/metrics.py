"""What the API and the worker count; every name begins with `pneumonia_`, no label identifies."""

import time

from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "pneumonia_api_requests_total", "Requests answered.", ("method", "route", "status")
)
LATENCY = Histogram("pneumonia_api_request_seconds", "Time to answer.", ("method", "route"))

TASKS = Counter("pneumonia_worker_xrays_total", "X-rays finished by the worker.", ("status",))
STEPS = Histogram(
    "pneumonia_worker_step_seconds",
    "Time of one step on one X-ray.",
    ("step",),
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


def count_requests(app: Flask) -> None:
    """Count every request of `app` by its route template, never by its URL."""

    def start() -> None:
        g.started = time.perf_counter()

    def stop(response: Response) -> Response:
        route = str(request.url_rule or "unknown")
        # Without a route the method is the caller's own word, and no label for it.
        method = request.method if request.url_rule else "unknown"
        LATENCY.labels(method, route).observe(time.perf_counter() - g.started)
        REQUESTS.labels(method, route, response.status_code).inc()
        return response

    app.before_request(start)
    app.after_request(stop)
