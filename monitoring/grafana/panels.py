"""Panels of current values: numbers, bars and tables, and what every panel has.

Each panel has a title, a description and a text for missing data. Sizes are (width, height) on
Grafana's grid: 24 columns, rows of 30 pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as parts
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.grafana.palette import PLAIN, QUIET

SOURCE = kinds.DataSourceRef(type_val="prometheus", uid="prometheus")

Size = tuple[int, int]
# Each colour applies from its value on; the first has no value and applies below the second.
Steps = Sequence[tuple[float | None, str]]

AnyPanel = TypeVar(
    "AnyPanel",
    stat.Panel,
    timeseries.Panel,
    bargauge.Panel,
    table.Panel,
    heatmap.Panel,
    statetimeline.Panel,
)


@dataclass(frozen=True)
class Query:
    """PromQL and the legend of its series; in a table, the title of its column."""

    expr: str
    legend: str = ""


def start(panel: AnyPanel, title: str, why: str, size: Size, unit: str, empty: str) -> AnyPanel:
    """The panel with what every panel has."""
    panel.title(title).description(why).datasource(SOURCE).unit(unit).no_value(empty)
    return panel.span(size[0]).height(size[1])


def targets_of(queries: Sequence[Query], *, now: bool) -> list[prometheus.Dataquery]:
    """The queries as targets: instant ones if `now`, else over the time range."""
    targets = []
    for number, query in enumerate(queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + number)).datasource(SOURCE)
        target.expr(" ".join(query.expr.split())).legend_format(query.legend or "__auto")
        targets.append(target.instant() if now else target.range())
    return targets


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """The steps in Grafana's form."""
    limits = [parts.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(parts.ThresholdsMode.ABSOLUTE).steps(limits)


def color_by_thresholds() -> dashboard.FieldColor:
    """Colour each value by its step."""
    return dashboard.FieldColor().mode(parts.FieldColorModeId.THRESHOLDS)


def last_value() -> common.ReduceDataOptions:
    """Show the newest value of each series."""
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def words(names: Mapping[int, tuple[str, str]]) -> list[parts.ValueMapping]:
    """Whole numbers as words with a colour: {0: ("DOWN", BAD), ...}."""
    results = {
        str(value): parts.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(names.items())
    }
    return [parts.ValueMap(options=results)] if results else []


def no_data(empty: str) -> parts.SpecialValueMap:
    """Grey for a missing value, which would otherwise take the colour of the lowest step."""
    result = parts.ValueMappingResult(text=empty, color=QUIET)
    options = parts.DashboardSpecialValueMapOptions(parts.SpecialValueMatch.NULL_AND_NAN, result)
    return parts.SpecialValueMap(options)


def number(
    title: str,
    why: str,
    *queries: Query,
    size: Size,
    unit: str = "none",
    steps: Steps = ((None, PLAIN),),
    names: Mapping[int, tuple[str, str]] | None = None,
    decimals: int | None = None,
    empty: str = "no data",
    filled: bool = False,
    link: tuple[str, str] | None = None,
) -> stat.Panel:
    """The current value of each series; `filled` colours the whole tile."""
    panel = start(stat.Panel(), title, why, size, unit, empty).reduce_options(last_value())
    panel.targets(list(targets_of(queries, now=True))).thresholds(thresholds(steps))
    panel.color_scheme(color_by_thresholds()).graph_mode(kinds.BigValueGraphMode.NONE)
    mode = kinds.BigValueColorMode
    panel.color_mode(mode.BACKGROUND_SOLID if filled else mode.VALUE)
    panel.justify_mode(kinds.BigValueJustifyMode.CENTER)
    named = any(query.legend for query in queries)
    text = kinds.BigValueTextMode
    panel.text_mode(text.VALUE_AND_NAME if named else text.VALUE)
    panel.mappings([*words(names or {}), no_data(empty)])
    if decimals is not None:
        panel.decimals(decimals)
    if link:
        panel.links([dashboard.DashboardLink(link[0]).url(link[1]).keep_time(True)])
    return panel


def levels(
    title: str,
    why: str,
    *queries: Query,
    size: Size,
    unit: str = "percentunit",
    steps: Steps = ((None, PLAIN),),
    lowest: float = 0,
    highest: float | None = 1,
    decimals: int | None = None,
    by: str | None = None,
    empty: str = "no data",
) -> bargauge.Panel:
    """A bar for the current value of each series, between `lowest` and `highest`.

    `by` is a label that names and sorts the bars.
    """
    panel = start(bargauge.Panel(), title, why, size, unit, empty).reduce_options(last_value())
    targets = targets_of(queries, now=True)
    if by:
        targets = [target.format(PromQueryFormat.TABLE) for target in targets]
        order = {"sort": [{"field": by, "desc": False}]}
        panel.with_transformation(parts.DataTransformerConfig(id_val="sortBy", options=order))
        panel.reduce_options(common.ReduceDataOptions().values(True).calcs([]))
    panel.targets(list(targets)).thresholds(thresholds(steps))
    panel.color_scheme(color_by_thresholds()).min(lowest)
    if highest is not None:
        panel.max(highest)
    if decimals is not None:
        panel.decimals(decimals)
    panel.display_mode(kinds.BarGaugeDisplayMode.BASIC)
    return panel.orientation(kinds.VizOrientation.HORIZONTAL).show_unfilled(True)


def rows(
    title: str,
    why: str,
    *queries: Query,
    labels: Mapping[str, str],
    size: Size,
    units: Mapping[str, str],
    empty: str = "no data",
) -> table.Panel:
    """A row for each combination of `labels` (label to title), a column for each query."""
    panel = start(table.Panel(), title, why, size, "none", empty)
    targets = targets_of(queries, now=True)
    panel.targets([target.format(PromQueryFormat.TABLE) for target in targets])
    columns = {
        f"Value #{chr(ord('A') + place)}" if len(queries) > 1 else "Value": query.legend
        for place, query in enumerate(queries)
    }
    titles = {**labels, **columns}
    organize = {
        "renameByName": titles,
        "indexByName": {name: place for place, name in enumerate(titles)},
        "excludeByName": {"Time": True},
    }
    panel.with_transformation(parts.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(parts.DataTransformerConfig(id_val="organize", options=organize))
    for name, unit in units.items():
        panel.override_by_name(name, [parts.DynamicConfigValue("unit", unit)])
    return panel.show_header(True)
