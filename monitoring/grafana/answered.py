"""A panel together with what Prometheus answered, read as Grafana reads both."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from monitoring.grafana.asking import Series
from monitoring.grafana.figures import write_figure

TEXT: Final = "#ccccdc"


@dataclass(frozen=True)
class Answered:
    """A panel with what Prometheus answered to each of its targets, between two times."""

    panel: Mapping[str, Any]
    answers: Sequence[list[Series]]
    start: float
    end: float
    step: int
    events: Sequence[tuple[float, str]] = field(default=())

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Unit, thresholds, mappings, limits."""
        found: Mapping[str, Any] = self.panel["fieldConfig"]["defaults"]
        return found

    def write(self, value: float) -> str:
        """A value as the panel writes it."""
        return write_figure(value, self.defaults.get("unit", "none"), self.defaults.get("decimals"))

    def override(self, name: str, what: str) -> Any:
        """What is set for the series or column of this name alone, or None."""
        for one in self.panel["fieldConfig"]["overrides"]:
            if one["matcher"]["options"] == name:
                for item in one["properties"]:
                    if item["id"] == what:
                        return item["value"]
        return None

    def sorted_by(self) -> str | None:
        """The label by which the panel sorts and names its rows, if it does."""
        for one in self.panel.get("transformations", ()):
            if one["id"] == "sortBy":
                return str(one["options"]["sort"][0]["field"])
        return None

    def named(self) -> list[tuple[str, Series]]:
        """All series with the names that the legend gives them."""
        return [
            (name_series(target["legendFormat"], series), series)
            for target, answer in zip(self.panel["targets"], self.answers, strict=True)
            for series in answer
        ]


def name_series(legend: str, series: Series) -> str:
    """The legend with its {{labels}} filled in; Grafana's own choice are the labels."""
    if legend == "__auto":
        return ", ".join(v for k, v in series.labels.items() if k != "__name__") or "Value"
    return re.sub(r"{{(\w+)}}", lambda label: series.labels.get(label[1], ""), legend)


def color_by_steps(answered: Answered, value: float) -> str:
    """The colour of the highest step that the value reaches."""
    chosen = TEXT
    for step in answered.defaults["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            chosen = step["color"]
    return chosen


def map_value(answered: Answered, value: float) -> tuple[str, str]:
    """A value's text and colour, by the mappings to words and else by the steps."""
    for mapping in answered.defaults.get("mappings", ()):
        if mapping["type"] == "value" and f"{value:g}" in mapping["options"]:
            word = mapping["options"][f"{value:g}"]
            return word["text"], word["color"]
    return answered.write(value), color_by_steps(answered, value)
