"""Gauges of a batch job, in a file for the textfile collector of node_exporter."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from monitoring.metrics.gauges import GaugeKind


class GaugeFile(Collector):
    """The gauges `kinds`, initialised with the values in `file`.

    So the time of the last success survives a failed run, and parts of a program can share a file
    without knowing each other. With None nothing is read or written.
    """

    def __init__(self, file: Path | None, kinds: Sequence[GaugeKind]) -> None:
        self._file, self._kinds = file, kinds
        self._values: dict[str, dict[tuple[str, ...], float]] = {kind.name: {} for kind in kinds}
        if file and file.is_file():
            try:
                families = list(text_string_to_metric_families(file.read_text()))
            except (OSError, ValueError) as error:
                print(f"{file} cannot be read and is replaced: {error}.", file=sys.stderr)
                return
            labels = {kind.name: kind.labels for kind in kinds}
            for family in families:
                for sample in family.samples:
                    if sample.labels.keys() == set(labels.get(sample.name, ("?",))):
                        values = (sample.labels[label] for label in labels[sample.name])
                        self.set(sample.name, sample.value, *values)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set the gauge `name` for the label values `labels`."""
        self._values[name][labels] = value

    def collect(self) -> Iterable[Metric]:
        """All gauges with values."""
        known = [kind for kind in self._kinds if self._values[kind.name]]
        return [kind.show(self._values[kind.name]) for kind in known]

    def write(self) -> None:
        """Replace the file atomically, readable by the exporter's account.

        Only prints an error if it cannot be written: the job matters more than its metrics.
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
