"""Gauges of a job that ends, in a file for the textfile collector of Prometheus's node_exporter."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from monitoring.metrics.gauges import GaugeKind


class GaugeFile(Collector):
    """The gauges `kinds` of `file`, beginning with the values that the file has.

    So the last success outlives a run that fails, and parts of a program that report to the same
    file need not know each other. With None nothing is read or written.
    """

    def __init__(self, file: Path | None, kinds: Sequence[GaugeKind]) -> None:
        self._file, self._kinds = file, kinds
        self._values: dict[str, dict[tuple[str, ...], float]] = {kind.name: {} for kind in kinds}
        if file and file.is_file():
            try:
                families = list(text_string_to_metric_families(file.read_text()))
            except (OSError, ValueError) as error:
                print(f"{file} is begun anew, for it cannot be read: {error}.", file=sys.stderr)
                return
            labels = {kind.name: kind.labels for kind in kinds}
            for family in families:
                for sample in family.samples:
                    if sample.labels.keys() == set(labels.get(sample.name, ("?",))):
                        values = (sample.labels[label] for label in labels[sample.name])
                        self.set(sample.name, sample.value, *values)

    def set(self, name: str, value: float, *labels: str) -> None:
        """The value of the gauge `name`, for these values of its labels."""
        self._values[name][labels] = value

    def collect(self) -> Iterable[Metric]:
        """The gauges that have values."""
        known = [kind for kind in self._kinds if self._values[kind.name]]
        return [kind.show(self._values[kind.name]) for kind in known]

    def write(self) -> None:
        """Replace the file in one step, readable by the exporter's account.

        A file that cannot be written is told: the job is worth more than what is known of it.
        """
        if self._file is None:
            return
        partial = self._file.with_name(f"{self._file.name}.part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(generate_latest(self))
            partial.chmod(0o644)
            partial.replace(self._file)
        except OSError as error:
            print(f"{self._file} was not written: {error.strerror}.", file=sys.stderr)
