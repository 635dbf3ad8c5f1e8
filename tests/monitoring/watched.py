"""A running system with its monitoring, and queries to its Prometheus and Alertmanager."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import requests

from tests.monitoring.webhook import Webhook
from tests.stack import Stack

WAITS = ("for", "interval", "group_wait", "group_interval")


def shorten(text: str, seconds: int) -> str:
    """The same rules or routes with every wait cut to `seconds`.

    Expressions, ranges and thresholds stay as they are; only these waits change: how long an alert
    must hold before it fires, how often rules of long ranges are evaluated, and for how long
    Alertmanager gathers alerts before it sends them.
    """
    return re.sub(rf"(?m)^( +(?:{'|'.join(WAITS)}): )\d+[smh]$", rf"\g<1>{seconds}s", text)


@dataclass(frozen=True)
class Watched:
    """A running system with MONITORING=1, and the webhook that receives its alerts."""

    stack: Stack
    webhook: Webhook

    @property
    def prometheus_url(self) -> str:
        """The URL of Prometheus."""
        return f"http://127.0.0.1:{self.stack.ports['PROMETHEUS_PORT']}"

    @property
    def alertmanager_url(self) -> str:
        """The URL of Alertmanager."""
        return f"http://127.0.0.1:{self.stack.ports['ALERTMANAGER_PORT']}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The current result of a PromQL expression: series with `metric` and `value`."""
        answer = requests.get(
            f"{self.prometheus_url}/api/v1/query", params={"query": expression}, timeout=10
        ).json()
        assert answer["status"] == "success", f"{expression}: {answer['error']}"
        return answer["data"]["result"]

    def wait_for(self, expression: str, seconds: float) -> list[dict[str, Any]]:
        """The result as soon as it is not empty; fails after `seconds`."""
        return wait(lambda: self.query(expression), seconds, expression)

    def list_alerts(self) -> dict[str, str]:
        """The state of each alert by name: `active` or `suppressed`."""
        answer = requests.get(f"{self.alertmanager_url}/api/v2/alerts", timeout=10).json()
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in answer}

    def find_parts(self, word: str) -> list[psutil.Process]:
        """The processes with `word` in their command."""
        children = psutil.Process(self.stack.process.pid).children(recursive=True)
        found = [process for process in children if word in " ".join(process.cmdline())]
        assert found, f"no process has {word} in its command"
        return found

    @contextmanager
    def suspended(self, word: str) -> Iterator[None]:
        """Suspend the processes with `word` in their command until the block ends."""
        processes = self.find_parts(word)
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def shorten_waits(self, seconds: int) -> None:
        """Reload Prometheus and Alertmanager with every wait shortened."""
        files = [
            *(self.stack.var / "prometheus" / "rules").glob("*.yml"),
            self.stack.var / "alertmanager" / "alertmanager.yml",
        ]
        for file in files:
            file.write_text(shorten(file.read_text(), seconds))
        for name in ("prometheus/prometheus.yml", "alertmanager/alertmanager.yml"):
            for process in self.find_parts(name):
                process.send_signal(signal.SIGHUP)
        # Loaded once every rule has the short wait.
        wait(self._has_short_waits, 20, "shortened rules")

    def _has_short_waits(self) -> bool:
        answer = requests.get(f"{self.prometheus_url}/api/v1/rules", timeout=10).json()
        rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
        return max(rule.get("duration", 0) for rule in rules) < 30


def wait(found: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true result of `found`; fails after `seconds` and names `what`."""
    end = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < end, f"no {what} within {seconds:.0f} s"
        time.sleep(0.2)
    return result
