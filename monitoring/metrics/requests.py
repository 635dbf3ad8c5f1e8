"""Metrics of the requests to a Flask service: rate, status, duration; shared by API and web."""

import time

from flask import Flask, Response, g, request
from prometheus_client import Counter, Gauge, Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)
"""Seconds; an upload may wait up to 30 for its result."""


class RequestMetrics:
    """The request metrics of one service; one instance for each process."""

    def __init__(self, service: str) -> None:
        name = f"pneumonia_{service}_request"
        self.answered = Counter(
            f"{name}s_total",
            "Requests answered; route is the template of the address, or unknown.",
            ("method", "route", "status"),
        )
        self.seconds = Histogram(
            f"{name}_seconds",
            "Time to answer a request; for an upload with what it waits for its result.",
            ("method", "route"),
            buckets=BUCKETS,
        )
        self.in_flight = Gauge(
            f"{name}s_in_flight", "Requests being answered now.", multiprocess_mode="livesum"
        )

    def watch(self, app: Flask) -> None:
        """Count every request of `app`.

        Call this before registering any other `before_request` that may answer: Flask stops at the
        first that does, and a request that never reached this one would not be counted.
        """

        def start() -> None:
            self.in_flight.inc()
            g.started = time.perf_counter()

        def stop(response: Response) -> Response:
            route = str(request.url_rule or "unknown")
            # Without a route the method may be any text of the caller, which is no label.
            method = request.method if request.url_rule else "unknown"
            self.seconds.labels(method, route).observe(time.perf_counter() - g.started)
            self.answered.labels(method, route, response.status_code).inc()
            return response

        def leave(error: BaseException | None) -> None:
            del error
            if g.pop("started", None):
                self.in_flight.dec()

        app.before_request(start)
        app.after_request(stop)
        app.teardown_request(leave)
