"""A webhook that receives alerts from Alertmanager."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook:
    """All received alerts, in order of arrival."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._alerts: list[dict[str, Any]] = []
        self._came = threading.Condition()

    def add(self, alerts: list[dict[str, Any]]) -> None:
        """Add the alerts of a notification."""
        with self._came:
            self._alerts += alerts
            self._came.notify_all()

    def list_names(self, status: str = "firing", since: int = 0) -> set[str]:
        """Names of the alerts received with this status, after the first `since`."""
        with self._came:
            return {a["labels"]["alertname"] for a in self._alerts[since:] if a["status"] == status}

    def count(self) -> int:
        """The number of alerts received so far."""
        with self._came:
            return len(self._alerts)

    def wait(self, name: str, status: str, seconds: float, since: int = 0) -> dict[str, Any]:
        """The alert with this name and status, as soon as it is received; fails after `seconds`."""
        end = time.monotonic() + seconds
        with self._came:
            while True:
                for alert in self._alerts[since:]:
                    if (alert["labels"]["alertname"], alert["status"]) == (name, status):
                        return alert
                left = end - time.monotonic()
                seen = [(a["labels"]["alertname"], a["status"]) for a in self._alerts[since:]]
                assert left > 0, f"{name} was not {status} within {seconds:.0f} s; received: {seen}"
                self._came.wait(left)


@contextmanager
def listening() -> Iterator[Webhook]:
    """A receiver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Receive a notification."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.add(json.loads(body)["alerts"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: the alerts are kept."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook = Webhook(f"http://127.0.0.1:{server.server_address[1]}/alerts")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield hook
        server.shutdown()
        thread.join()
