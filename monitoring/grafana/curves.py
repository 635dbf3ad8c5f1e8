"""Panels over time: curves, heat maps and bands of states."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common, dashboard, heatmap, statetimeline, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as parts
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.grafana.palette import BY_NAME, PLAIN
from monitoring.grafana.panels import (
    Query,
    Size,
    color_by_thresholds,
    start,
    targets_of,
    thresholds,
    words,
)


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
    """Curves over time, from `lowest` to `highest`; `limit` is a dashed line.

    Without `highest` the axis reaches at least to `room`, so that small values look small. `series`
    are the names that a legend with {{label}} produces, to give them their colours.
    """
    panel = start(timeseries.Panel(), title, why, size, unit, empty)
    panel.targets(list(targets_of(queries, now=False))).line_width(2)
    panel.min(lowest)
    if room is not None:
        panel.axis_soft_max(room)
    if highest is not None:
        panel.max(highest)
    if stacked:
        # No outline: on a series at 0 it would look like a thin share of the stack.
        panel.line_width(0)
        panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
        panel.fill_opacity(80)
    if limit:
        panel.thresholds(thresholds(((None, "transparent"), limit)))
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


def heat(
    title: str, why: str, query: Query, *, size: Size, unit: str, cell: str, empty: str
) -> heatmap.Panel:
    """Counts of a histogram's buckets over time; `query` gives increases by `le`.

    A cell is at least `cell` long, such as `5m`: with few X-rays, shorter ones are mostly empty.
    """
    panel = start(heatmap.Panel(), title, why, size, "short", empty)
    [target] = targets_of([Query(query.expr, "{{le}}")], now=False)
    panel.with_target(target.format(PromQueryFormat.HEATMAP)).calculate(False).interval(cell)
    # Viridis is perceptually uniform for every colour vision.
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
    panel = start(statetimeline.Panel(), title, why, size, "none", empty)
    panel.targets(list(targets_of([query], now=False))).mappings(words(names))
    panel.color_scheme(color_by_thresholds()).thresholds(thresholds([(None, PLAIN)]))
    return panel.merge_values(True).show_value(kinds.VisibilityMode.NEVER).row_height(0.8)


def _fixed(color: str) -> parts.DynamicConfigValue:
    return parts.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})
