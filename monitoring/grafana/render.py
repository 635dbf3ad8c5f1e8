"""Draw the committed dashboards with what a running Prometheus knows:

    python -m monitoring.grafana.render --prometheus http://127.0.0.1:9090 --out docs/dashboards

One plain PNG for each dashboard: Grafana's grid, queries and units, drawn by matplotlib.
"""

import argparse
import math
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, Formatter, FuncFormatter

from monitoring.grafana.palette import BY_NAME
from monitoring.grafana.prometheus import Prometheus, PrometheusError, Series
from monitoring.grafana.reading import (
    SCRAPE_SECONDS,
    fill_in,
    list_panels,
    read_dashboards,
    seconds,
)

COLUMN: Final = 0.7
ROW: Final = 0.4
"""Inches of a unit of Grafana's grid, which has 24 columns."""

POINTS: Final = 240
"""Points of a curve, unless that is more often than Prometheus scrapes."""

PLAIN: Final = FuncFormatter(
    lambda value, _: f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
)
UNITS: Final[Mapping[str, Formatter]] = {
    **dict.fromkeys(("none", "short", "locale"), PLAIN),
    "percentunit": FuncFormatter(lambda value, _: f"{value * 100:.3g}%"),
    "s": EngFormatter("s", places=1),
    "h": EngFormatter("h", places=1),
    "dateTimeFromNow": FuncFormatter(lambda ms, _: f"{(time.time() - ms / 1000) / 3600:.1f} h ago"),
    "bytes": EngFormatter("B", places=1),
    "Bps": EngFormatter("B/s", places=1),
    "reqps": FuncFormatter(lambda value, _: f"{value:.4g}/s"),
    "currencyUSD": FuncFormatter(lambda value, _: f"${value:.2f}"),
}
"""Every unit that a dashboard uses."""

Named = Sequence[tuple[str, Series]]


def draw_board(board: Mapping[str, Any], prometheus: Prometheus, end: float, span: int) -> Figure:
    """The dashboard over the `span` seconds before `end` (Unix seconds)."""
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"])
    figure = Figure(figsize=(24 * COLUMN, height * ROW), dpi=90)
    figure.suptitle(board["title"], y=1, va="bottom")
    for panel in list_panels(board):
        x, y, w, h = (panel["gridPos"][side] for side in "xywh")
        # Left and below there is room for the numbers, above for the title.
        bounds = (x + 0.9) / 24, 1 - (y + h - 0.7) / height, (w - 1.2) / 24, (h - 1.5) / height
        axes = figure.add_axes(bounds)
        axes.set_title(panel["title"], loc="left", size="medium")
        step = max(SCRAPE_SECONDS, span // POINTS, seconds(panel.get("interval", "1s")))
        named = []
        for target in panel["targets"]:
            expr = fill_in(target["expr"], board, span, step)
            if target["instant"]:
                answer = prometheus.query(expr, end)
            else:
                answer = prometheus.query_range(expr, end - span, end, step)
            named += [(name_series(target["legendFormat"], series), series) for series in answer]
        draw_panel(axes, panel, named, step)
    return figure


def in_unit(unit: Formatter, value: float) -> str:
    """The value in its unit; NaN, as of a quantile of nothing, and infinity have none."""
    return unit(value) if math.isfinite(value) else f"{value}"


def name_series(legend: str, series: Series) -> str:
    """The legend with its {{labels}} filled in; __auto stands for all of them."""
    if legend == "__auto":
        return name_row(series)
    return re.sub(r"{{(\w+)}}", lambda label: series.labels.get(label[1], ""), legend)


def name_row(series: Series) -> str:
    """The values of all labels."""
    return " ".join(value for name, value in series.labels.items() if name != "__name__")


def draw_panel(axes: Axes, panel: Mapping[str, Any], named: Named, step: int) -> None:
    """A panel of any type; with its own words when there is no data."""
    defaults = panel["fieldConfig"]["defaults"]
    unit = UNITS[defaults["unit"]]
    limits = defaults.get("min"), defaults.get("max")
    match panel["type"] if named else "nothing":
        case "timeseries":
            draw_curves(axes, named, step, stacked="stacking" in defaults["custom"])
            axes.set_ylim(*limits)
            axes.yaxis.set_major_formatter(unit)
        case "heatmap":
            buckets = sorted(named, key=lambda one: float(one[0]))
            counts = np.nan_to_num(align([series for _, series in buckets], step)[1])
            # Prometheus counts each bucket with all lower ones.
            draw_cells(axes, buckets, step, np.diff(counts, axis=0, prepend=0))
        case "state-timeline":
            draw_cells(axes, named, step, align([series for _, series in named], step)[1])
        case "bargauge":
            for place, (name, series) in enumerate(named):
                axes.barh(place, value := series.values[-1], color="lightblue")
                axes.text(limits[0], place, f" {in_unit(unit, value)}  {name}", va="center")
            axes.yaxis.set_inverted(True)
            axes.set_yticks([])
            axes.set_xlim(*limits)
            axes.xaxis.set_major_formatter(unit)
        case "table":
            draw_table(axes, panel, named)
        case "stat":
            words = {
                value: word["text"]
                for mapping in defaults["mappings"]
                if mapping["type"] == "value"
                for value, word in mapping["options"].items()
            }
            figures = [(name, series.values[-1]) for name, series in named]
            lines = [
                f"{words.get(f'{value:g}', in_unit(unit, value))}  {name}"
                for name, value in figures
            ]
            write(axes, "\n".join(lines))
        case _:
            write(axes, defaults["noValue"])


def write(axes: Axes, text: str) -> None:
    """A text in the middle of a panel without axes."""
    axes.text(0.5, 0.5, text, ha="center", va="center", size="x-large")
    axes.set_axis_off()


def align(all_series: Sequence[Series], step: int) -> tuple[np.ndarray, np.ndarray]:
    """The times (N) and the values (series x N) on one grid; NaN where a series has none."""
    first = min(series.times[0] for series in all_series)
    last = max(series.times[-1] for series in all_series)
    times = first + step * np.arange(round((last - first) / step) + 1)
    values = np.full((len(all_series), len(times)), np.nan)
    for row, series in zip(values, all_series, strict=True):
        row[np.rint((np.array(series.times) - first) / step).astype(int)] = series.values
    return times.astype(int).astype("datetime64[s]"), values


def draw_curves(axes: Axes, named: Named, step: int, *, stacked: bool) -> None:
    """Curves over time, or a stack in which a gap counts as 0."""
    times, values = align([series for _, series in named], step)
    names = [name for name, _ in named]
    colors = [BY_NAME.get(name, f"C{place}") for place, name in enumerate(names)]
    if stacked:
        axes.stackplot(times, np.where(np.isfinite(values), values, 0), labels=names, colors=colors)
    else:
        for name, row, color in zip(names, values, colors, strict=True):
            axes.plot(times, row, label=name, color=color)
    axes.legend(loc="upper left", fontsize="small")
    write_times(axes)


def draw_cells(axes: Axes, named: Named, step: int, cells: np.ndarray) -> None:
    """A row for each series, coloured by its value over time."""
    times, _ = align([series for _, series in named], step)
    axes.pcolormesh(times, np.arange(len(named)), cells, cmap="Blues", vmin=0, alpha=0.6)
    axes.set_yticks(np.arange(len(named)), [name for name, _ in named], ha="left", size="small")
    axes.tick_params(axis="y", pad=-4)
    write_times(axes)


def write_times(axes: Axes) -> None:
    """Short times (UTC) below a panel."""
    axes.xaxis.set_major_locator(locator := AutoDateLocator(minticks=3, maxticks=7))
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def draw_table(axes: Axes, panel: Mapping[str, Any], named: Named) -> None:
    """A row for each combination of labels, a column for each query."""
    units = {
        override["matcher"]["options"]: UNITS[override["properties"][0]["value"]]
        for override in panel["fieldConfig"]["overrides"]
    }
    columns = list(dict.fromkeys(name for name, _ in named))
    rows: dict[str, dict[str, str]] = {}
    for name, series in named:
        value = in_unit(units.get(name, PLAIN), series.values[-1])
        rows.setdefault(name_row(series), {})[name] = value
    cells = [[row, *(rows[row].get(column, "") for column in columns)] for row in rows]
    axes.table(cells, colLabels=["", *columns], loc="upper center", edges="horizontal")
    axes.set_axis_off()


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw every dashboard; 1 with a sentence when Prometheus does not answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    parser.add_argument("--out", type=Path, default=Path("docs/dashboards"), help="the folder")
    parser.add_argument("--since", help="such as now-30m; each dashboard's own by default")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        for uid, board in read_dashboards().items():
            span = seconds(options.since or board["time"]["from"])
            figure = draw_board(board, Prometheus(options.prometheus), time.time(), span)
            figure.savefig(options.out / f"{uid}.png", bbox_inches="tight")
            print(options.out / f"{uid}.png")
    except PrometheusError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
