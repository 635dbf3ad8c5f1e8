"""Gauges whose values are looked up when they are asked for, and absent while nobody knows them."""

from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily


class GaugeKind(NamedTuple):
    """A gauge by its name, what it means, and the names of its labels."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()

    def show(self, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
        """The gauge with its values, by the values of the labels."""
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family
