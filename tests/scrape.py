"""Reads values from `/metrics`, or from a file for node_exporter."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


def read_families(text: str) -> Iterator[Metric]:
    """The metrics of this project."""
    for family in text_string_to_metric_families(text):
        if family.name.startswith("pneumonia_"):
            yield family


def find_value(text: str, name: str, **labels: str) -> float | None:
    """The sum of the samples of this name that have these labels; None when there are none."""
    values = [
        sample.value
        for family in read_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels.items() >= labels.items()
    ]
    return sum(values) if values else None


def read_value(text: str, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels, of which there is one."""
    value = find_value(text, name, **labels)
    assert value is not None, f"no {name} with {labels}"
    return value
