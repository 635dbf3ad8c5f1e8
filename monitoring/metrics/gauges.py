"""Gauges whose values are read at each scrape, and absent while they are unknown."""

from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily


class GaugeKind(NamedTuple):
    """A gauge: its name, its help text, and the names of its labels."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()

    def show(self, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
        """The gauge with its values, keyed by label values."""
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family
