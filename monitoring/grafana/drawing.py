"""Each kind of panel by matplotlib, so that a layout can be judged where no Grafana runs."""

import math
import time
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from monitoring.grafana.answered import TEXT, Answered, color_by_steps, map_value
from monitoring.grafana.figures import write_figure

DIM: Final = "#8e8f9a"
PANEL: Final = "#181b1f"
GRID: Final = "#2a2d33"
# Seconds between two ticks of a time axis.
# Grafana's own, for series without a colour of their name.
TICKS: Final = (60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
CLASSIC: Final = ("#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9")


def draw_nothing(axes: Axes, answered: Answered) -> None:
    """The panel's own words for no data."""
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    text = answered.defaults["noValue"]
    width = axes.get_window_extent().width
    size = min(13, width / max(len(text), 1) * 0.9)
    axes.text(0.5, 0.5, text, color=DIM, size=size, ha="center", va="center")


def draw_stat(axes: Axes, answered: Answered) -> None:
    """Figures side by side, or one that fills the tile."""
    box = axes.get_window_extent()
    shown = answered.named()
    filled = answered.panel["options"]["colorMode"] == "background_solid"
    with_name = answered.panel["options"]["textMode"] == "value_and_name"
    across = box.width > box.height * 1.2
    for place, (name, series) in enumerate(shown):
        text, color = map_value(answered, series.values[-1])
        middle = (place + 0.5) / len(shown)
        x, y = (middle, 0.5) if across else (0.5, 1 - middle)
        width = box.width / len(shown) if across else box.width
        height = box.height if across else box.height / len(shown)
        if filled:
            axes.add_patch(Rectangle((0, 0), 1, 1, color=color))
        size = min(height * 0.42, width / max(len(text), 3) * 1.25)
        points = size * 72 / axes.figure.dpi
        style: dict[str, Any] = {"color": _contrast(color) if filled else color, "weight": "bold"}
        axes.text(
            x, y + (0.06 if with_name else 0), text, size=points, ha="center", va="center", **style
        )
        if with_name:
            below = y - size / box.height * 0.75
            axes.text(x, below, name, size=9, color=TEXT, ha="center", va="center")


def _contrast(color: str) -> str:
    """White or near black, whichever can be read on the colour; Grafana wants a ratio of 3."""
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04 else c / 12.92 for c in to_rgb(color)]
    luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return "white" if 1.05 / (luminance + 0.05) >= 3 else "#111217"


def draw_bargauge(axes: Axes, answered: Answered) -> None:
    """A bar a series, its name before it and its figure behind."""
    shown = answered.named()
    if ordered := answered.sorted_by():
        shown = sorted(((s.labels[ordered], s) for _, s in shown), key=itemgetter(0))
    low = answered.defaults["min"]
    high = answered.defaults.get("max") or max(series.values[-1] for _, series in shown) or 1
    for place, (name, series) in enumerate(shown):
        value = series.values[-1]
        height = min(0.55 / len(shown), 0.25)
        bottom = 1 - (place + 0.55) / len(shown) - height / 2
        share = min(max((value - low) / (high - low), 0), 1)
        color = color_by_steps(answered, value)
        axes.add_patch(Rectangle((0.02, bottom), 0.78, height, color=GRID))
        axes.add_patch(Rectangle((0.02, bottom), 0.78 * share, height, color=color))
        axes.text(0.02, bottom + height, f"{name}", size=9, color=TEXT, va="bottom")
        text = answered.write(value)
        axes.text(0.82, bottom + height / 2, text, size=12, color=color, va="center")


def draw_table(axes: Axes, answered: Answered) -> None:
    """Rows merged by their labels, with the columns in the order that the panel asks for."""
    [organize] = [t["options"] for t in answered.panel["transformations"] if t["id"] == "organize"]
    columns: dict[str, str] = organize["renameByName"]
    merged: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for target, answer in zip(answered.panel["targets"], answered.answers, strict=True):
        column = "Value" if len(answered.answers) == 1 else f"Value #{target['refId']}"
        unit = answered.override(columns[column], "unit") or "none"
        for series in answer:
            labels = {k: v for k, v in series.labels.items() if k in columns}
            row = merged.setdefault(tuple(sorted(labels.items())), dict(labels))
            row[column] = write_figure(series.values[-1], unit)
    shown = [name for name in columns if any(name in row for row in merged.values())]
    line = 30 / axes.get_window_extent().height
    for place, name in enumerate(shown):
        x = 0.01 + place / len(shown) * 0.99
        axes.text(x, 1 - line / 2, columns[name], size=9, color="#6e9fff", va="center")
        for number, key in enumerate(sorted(merged), start=1):
            text = merged[key].get(name, "")
            axes.text(x, 1 - line * (number + 0.5), text, size=10, color=TEXT, va="center")
    axes.axhline(1 - line, color=GRID)


def draw_timeseries(axes: Axes, answered: Answered) -> None:
    """Curves or stacks, the dashed limit, events as upright lines, the legend below."""
    custom = answered.defaults.get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    times = np.arange(answered.start, answered.end + 1, answered.step)
    base = np.zeros(len(times))
    spare = iter(CLASSIC * 9)
    for name, series in answered.named():
        fixed = answered.override(name, "color")
        color = fixed["fixedColor"] if fixed else next(spare)
        known = dict(zip(series.times, series.values, strict=True))
        values = np.array([known.get(float(t), math.nan) for t in times])
        if stacked:
            top = base + np.nan_to_num(values)
            axes.fill_between(times, base, top, color=color, alpha=0.8, lw=0, label=name)
            base = top
        else:
            axes.plot(times, values, color=color, lw=1.8, label=name)
    for step in answered.defaults.get("thresholds", {}).get("steps", ())[1:]:
        axes.axhline(step["value"], color=step["color"], ls="--", lw=1.2)
    _set_limits(axes, answered)
    axes.yaxis.set_major_formatter(lambda value, _: answered.write(value))
    _draw_time_axis(axes, answered)
    axes.set_axisbelow(True)
    axes.grid(color=GRID, lw=0.6)
    axes.legend(
        loc="upper left", bbox_to_anchor=(0, -0.1), ncols=6, frameon=False, fontsize=9,
        labelcolor=TEXT, handlelength=1, borderaxespad=0.2, columnspacing=1.2,
    )  # fmt: skip


def _set_limits(axes: Axes, answered: Answered) -> None:
    low, high = axes.get_ylim()
    low = answered.defaults.get("min", low)
    high = max(high, answered.defaults.get("custom", {}).get("axisSoftMax", low + 1e-3))
    axes.set_ylim(low, answered.defaults.get("max", high))


def _draw_time_axis(axes: Axes, answered: Answered) -> None:
    span = answered.end - answered.start
    apart = next(gap for gap in TICKS if span / gap <= 8)
    moments = np.arange(answered.start - answered.start % apart + apart, answered.end, apart)
    written = "%H:%M" if apart < 86400 else "%d %b"
    names = [time.strftime(written, time.localtime(moment)) for moment in moments]
    axes.set_xticks(moments, names)
    axes.set_xlim(answered.start, answered.end)
    for moment, color in answered.events:
        axes.axvline(moment, color=color, lw=1, ls=(0, (4, 3)))


def draw_heatmap(axes: Axes, answered: Answered) -> None:
    """Counts by bucket and time; a bucket holds what is above the bucket before."""
    buckets = sorted(answered.answers[0], key=lambda series: float(series.labels["le"]))
    times = np.arange(answered.start, answered.end + 1, answered.step)
    counts = np.zeros((len(buckets), len(times)))
    for place, bucket in enumerate(buckets):
        known = dict(zip(bucket.times, bucket.values, strict=True))
        counts[place] = [known.get(float(t), 0) for t in times]
    counts = np.nan_to_num(np.diff(counts, axis=0, prepend=0)).clip(0)
    shown = np.ma.masked_less_equal(counts, 0)
    edges = [*times, times[-1] + answered.step]
    rows = np.arange(len(buckets) + 1)
    axes.pcolormesh(edges, rows, np.sqrt(shown), cmap="viridis")
    unit = answered.panel["options"]["yAxis"]["unit"]
    names = [
        "more" if b.labels["le"] == "+Inf" else write_figure(float(b.labels["le"]), unit)
        for b in buckets
    ]
    every = max(1, len(names) // 10)
    axes.set_yticks(rows[1::every], names[::every])
    _draw_time_axis(axes, answered)


def draw_states(axes: Axes, answered: Answered) -> None:
    """A band a series, coloured by the word for its value."""
    shown = answered.named()
    for place, (_, series) in enumerate(reversed(shown)):
        for moment, value in zip(series.times, series.values, strict=True):
            _, color = map_value(answered, value)
            left = moment
            right = moment + answered.step
            axes.fill_between([left, right], place + 0.12, place + 0.88, color=color, lw=0)
    axes.set_ylim(0, len(shown))
    axes.set_yticks(np.arange(len(shown)) + 0.5, [name for name, _ in reversed(shown)])
    _draw_time_axis(axes, answered)


DRAW: Final[dict[str, Callable[[Axes, Answered], None]]] = {
    "stat": draw_stat,
    "bargauge": draw_bargauge,
    "table": draw_table,
    "timeseries": draw_timeseries,
    "heatmap": draw_heatmap,
    "state-timeline": draw_states,
}
