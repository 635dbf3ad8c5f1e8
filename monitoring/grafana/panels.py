"""The kinds of panel that the dashboards are made of: each has a title, a reason and an empty text.

Sizes are (width, height) on Grafana's grid: 24 columns, rows of 30 pixels.
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
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.grafana.palette import BY_NAME, PLAIN, QUIET

SOURCE = kinds.DataSourceRef(type_val="prometheus", uid="prometheus")

Size = tuple[int, int]
# Colour from a value on; the first has no value: it is what holds below the second.
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
    """PromQL and what the legend calls its series; in a table, the title of its column."""

    expr: str
    legend: str = ""


def _start(panel: AnyPanel, title: str, why: str, size: Size, unit: str, empty: str) -> AnyPanel:
    panel.title(title).description(why).datasource(SOURCE).unit(unit).no_value(empty)
    return panel.span(size[0]).height(size[1])


def _targets(queries: Sequence[Query], *, now: bool) -> list[prometheus.Dataquery]:
    targets = []
    for number, query in enumerate(queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + number)).datasource(SOURCE)
        target.expr(" ".join(query.expr.split())).legend_format(query.legend or "__auto")
        targets.append(target.instant() if now else target.range())
    return targets


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    limits = [parts.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(parts.ThresholdsMode.ABSOLUTE).steps(limits)


def _by_thresholds() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(parts.FieldColorModeId.THRESHOLDS)


def _fixed(color: str) -> parts.DynamicConfigValue:
    return parts.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def words(names: Mapping[int, tuple[str, str]]) -> list[parts.ValueMapping]:
    """Whole numbers as words with a colour: {0: ("DOWN", BAD), ...}."""
    results = {
        str(value): parts.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(names.items())
    }
    return [parts.ValueMap(options=results)] if results else []


def _nothing(empty: str) -> parts.SpecialValueMap:
    """Without it a missing figure takes the colour of the lowest step, which may be an alarm's."""
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
    """One figure, or one a series, as it is now; `filled` colours the whole tile."""
    panel = _start(stat.Panel(), title, why, size, unit, empty).reduce_options(_last())
    panel.targets(list(_targets(queries, now=True))).thresholds(_thresholds(steps))
    panel.color_scheme(_by_thresholds()).graph_mode(kinds.BigValueGraphMode.NONE)
    mode = kinds.BigValueColorMode
    panel.color_mode(mode.BACKGROUND_SOLID if filled else mode.VALUE)
    panel.justify_mode(kinds.BigValueJustifyMode.CENTER)
    named = any(query.legend for query in queries)
    text = kinds.BigValueTextMode
    panel.text_mode(text.VALUE_AND_NAME if named else text.VALUE)
    panel.mappings([*words(names or {}), _nothing(empty)])
    if decimals is not None:
        panel.decimals(decimals)
    if link:
        panel.links([dashboard.DashboardLink(link[0]).url(link[1]).keep_time(True)])
    return panel


def lines(
    title: str,
    why: str,
    *queries: Query,
    size: Size,
    unit: str = "short",
    limit: tuple[float, str] | None = None,
    highest: float | None = None,
    lowest: float = 0,
    room: float | None = None,
    stacked: bool = False,
    series: Sequence[str] = (),
    empty: str = "no data",
) -> timeseries.Panel:
    """Curves over time, from zero unless `lowest` says otherwise; `limit` is a dashed line.

    The axis reaches to `highest`, or at least to `room`, so that little does not look like much.
    `series` are names that a legend with {{label}} makes, so that they get their colours.
    """
    panel = _start(timeseries.Panel(), title, why, size, unit, empty)
    panel.targets(list(_targets(queries, now=False))).line_width(2)
    panel.min(lowest)
    if room is not None:
        panel.axis_soft_max(room)
    if highest is not None:
        panel.max(highest)
    if stacked:
        # No outline: that of a series at 0 would lie upon the stack like a share of it.
        panel.line_width(0)
        panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
        panel.fill_opacity(80)
    if limit:
        panel.thresholds(_thresholds(((None, "transparent"), limit)))
        dashed = kinds.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(dashed))
    panel.show_points(kinds.VisibilityMode.NEVER)
    panel.color_scheme(dashboard.FieldColor().mode(parts.FieldColorModeId.PALETTE_CLASSIC))
    for name in (*(query.legend for query in queries), *series):
        if name in BY_NAME:
            panel.override_by_name(name, [_fixed(BY_NAME[name])])
    legend = common.VizLegendOptions().display_mode(kinds.LegendDisplayMode.LIST)
    panel.legend(legend.placement(kinds.LegendPlacement.BOTTOM).show_legend(True))
    tooltip = common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI)
    return panel.tooltip(tooltip.sort(kinds.SortOrder.DESCENDING))


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
    """A bar a series, as it is now, between `lowest` and `highest`.

    `by` is a label that names the bars and puts them in order.
    """
    panel = _start(bargauge.Panel(), title, why, size, unit, empty).reduce_options(_last())
    targets = _targets(queries, now=True)
    if by:
        targets = [target.format(PromQueryFormat.TABLE) for target in targets]
        order = {"sort": [{"field": by, "desc": False}]}
        panel.with_transformation(parts.DataTransformerConfig(id_val="sortBy", options=order))
        panel.reduce_options(common.ReduceDataOptions().values(True).calcs([]))
    panel.targets(list(targets)).thresholds(_thresholds(steps))
    panel.color_scheme(_by_thresholds()).min(lowest)
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
    panel = _start(table.Panel(), title, why, size, "none", empty)
    targets = _targets(queries, now=True)
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


def heat(
    title: str, why: str, query: Query, *, size: Size, unit: str, cell: str, empty: str
) -> heatmap.Panel:
    """How often each bucket of a histogram was hit, over time; `query` gives increases by `le`.

    A cell is at least `cell` long, as `5m`: with few X-rays shorter ones are mostly empty.
    """
    panel = _start(heatmap.Panel(), title, why, size, "short", empty)
    [target] = _targets([Query(query.expr, "{{le}}")], now=False)
    panel.with_target(target.format(PromQueryFormat.HEATMAP)).calculate(False).interval(cell)
    # Viridis grows evenly lighter, for every colour vision.
    color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Viridis").steps(64)
    panel.color(color.fill(PLAIN).exponent(0.5).reverse(False))
    return panel.y_axis(heatmap.YAxisConfig().unit(unit).reverse(False)).show_legend()


def states(
    title: str,
    why: str,
    query: Query,
    *,
    size: Size,
    names: Mapping[int, tuple[str, str]],
    empty: str,
) -> statetimeline.Panel:
    """A band for each series that shows its state over time, in the words of `names`."""
    panel = _start(statetimeline.Panel(), title, why, size, "none", empty)
    panel.targets(list(_targets([query], now=False))).mappings(words(names))
    panel.color_scheme(_by_thresholds()).thresholds(_thresholds([(None, PLAIN)]))
    return panel.merge_values(True).show_value(kinds.VisibilityMode.NEVER).row_height(0.8)
