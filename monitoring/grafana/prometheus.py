"""Query Prometheus for a panel's expressions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests


class PrometheusError(RuntimeError):
    """One sentence: why Prometheus rejects an expression, or that it does not answer."""


@dataclass(frozen=True)
class Series:
    """One series: its labels, and as many values as times (Unix seconds)."""

    labels: Mapping[str, str]
    times: list[float]
    values: list[float]


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus, such as http://127.0.0.1:9090."""

    url: str

    def query(self, expr: str, at: float) -> list[Series]:
        """The values at a time (Unix seconds); a scalar is a series without labels."""
        data = self._get("query", query=expr, time=at)
        if data["resultType"] == "scalar":
            return [Series({}, [data["result"][0]], [float(data["result"][1])])]
        return [
            Series(one["metric"], [one["value"][0]], [float(one["value"][1])])
            for one in data["result"]
        ]

    def query_range(self, expr: str, start: float, end: float, step: int) -> list[Series]:
        """Curves from `start` to `end` (Unix seconds) with a point every `step` seconds."""
        data = self._get("query_range", query=expr, start=start, end=end, step=step)
        return [
            Series(
                one["metric"],
                [point[0] for point in one["values"]],
                [float(point[1]) for point in one["values"]],
            )
            for one in data["result"]
        ]

    def _get(self, call: str, **parameters: Any) -> Any:
        try:
            answer = requests.post(f"{self.url}/api/v1/{call}", data=parameters, timeout=60)
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise PrometheusError(
                f"No Prometheus answers at {self.url}; start it, or name another one."
            ) from error
        if body["status"] != "success":
            raise PrometheusError(f"Prometheus refuses {parameters['query']}: {body['error']}")
        return body["data"]
