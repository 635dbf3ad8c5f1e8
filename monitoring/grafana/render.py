"""Draw the committed dashboards with what a running Prometheus knows:

    python -m monitoring.grafana.render --prometheus http://127.0.0.1:9090 --out docs/dashboards

One PNG a dashboard. Grafana itself draws finer; the grid, the figures, units, colours and limits
are those that it would show, for it asks the same.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from monitoring.grafana.answered import TEXT, Answered
from monitoring.grafana.asking import Prometheus, PrometheusFails
from monitoring.grafana.drawing import DIM, DRAW, PANEL, draw_nothing
from monitoring.grafana.reading import (
    SCRAPE_SECONDS,
    fill_in,
    list_panels,
    read_dashboards,
    seconds,
)

BACK: Final = "#111217"
DPI: Final = 100
WIDTH: Final = 1600  # pixels, for 24 columns
ROW: Final = 38  # pixels: Grafana's 30 and the gap
HEAD: Final = 46  # title and links
TITLE: Final = 28  # a panel's title
POINTS: Final = 240  # of a curve
AROUND: Final = {  # pixels left, right, below and above for axes with ticks
    "timeseries": (68, 14, 44, 6),
    "heatmap": (68, 14, 26, 6),
    "state-timeline": (230, 14, 26, 6),
}


def render(board: Mapping[str, Any], prometheus: Prometheus, end: float, span: int) -> Figure:
    """The dashboard over the `span` seconds before `end` (Unix seconds)."""
    height = HEAD + ROW * max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"])
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=BACK)
    FigureCanvasAgg(figure)
    _write_head(figure, board)
    finest = step = max(SCRAPE_SECONDS, span // POINTS)
    end -= end % step
    start = end - span
    events = []
    for event in board["annotations"]["list"]:
        expr = fill_in(event["expr"], board, span, step)
        for series in prometheus.ask_range(expr, start, end, step):
            events.append((series.times[0], event["iconColor"]))
    for panel in board["panels"]:
        if panel["type"] == "row":
            spot = panel["gridPos"]
            y = 1 - (HEAD + ROW * (spot["y"] + 0.5)) / height
            figure.text(12 / WIDTH, y, f"▾  {panel['title']}", color=TEXT, size=12, va="center")
    for panel in list_panels(board):
        answers = []
        step = max(finest, seconds(panel.get("interval", "1s")))
        for target in panel["targets"]:
            expr = fill_in(target["expr"], board, span, step)
            if target["instant"]:
                answers.append(prometheus.ask_now(expr, end))
            else:
                answers.append(prometheus.ask_range(expr, start, end, step))
        answered = Answered(panel, answers, start, end, step, events)
        axes = _place(figure, height, panel)
        (DRAW[panel["type"]] if any(answers) else draw_nothing)(axes, answered)
    return figure


def _write_head(figure: Figure, board: Mapping[str, Any]) -> None:
    y = 1 - HEAD / 2 / (figure.get_figheight() * DPI)
    figure.text(14 / WIDTH, y, board["title"], color=TEXT, size=14, va="center")
    links = "    ".join(link["title"] for link in board["links"])
    span = f"{board['time']['from']} to {board['time']['to']}, every {board['refresh']}"
    figure.text(
        1 - 14 / WIDTH, y, f"{links}      {span}", color=DIM, size=10, ha="right", va="center"
    )


def _place(figure: Figure, height: float, panel: Mapping[str, Any]) -> Axes:
    """The panel's tile with its title, and axes inside it."""
    spot = panel["gridPos"]
    column = WIDTH / 24
    left, top = spot["x"] * column + 4, HEAD + spot["y"] * ROW
    wide, high = spot["w"] * column - 8, spot["h"] * ROW - 8
    corner = (left / WIDTH, 1 - (top + high) / height)
    figure.add_artist(Rectangle(corner, wide / WIDTH, high / height, color=PANEL, zorder=-1))
    title = (left + 10) / WIDTH, 1 - (top + TITLE / 2) / height
    figure.text(*title, panel["title"], color=TEXT, size=10.5, va="center")
    ticks = panel["type"] in AROUND
    west, east, south, north = AROUND.get(panel["type"], (0, 0, 0, 0))
    axes = figure.add_axes(
        (
            (left + west) / WIDTH,
            1 - (top + high - south) / height,
            (wide - west - east) / WIDTH,
            (high - TITLE - south - north) / height,
        ),
        facecolor=PANEL,
    )
    axes.tick_params(colors=DIM, labelsize=9, length=0)
    axes.spines[:].set_visible(False)
    if not ticks:
        axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    return axes


def main(arguments: list[str] | None = None) -> int:
    """Draw what is asked for; 1 with a sentence when Prometheus does not answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    parser.add_argument("--out", type=Path, default=Path("docs/dashboards"), help="the folder")
    parser.add_argument("--since", help="as now-30m, for all; each dashboard's own if not given")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        for uid, board in read_dashboards().items():
            if options.since:
                board["time"]["from"] = options.since
            span = seconds(board["time"]["from"])
            figure = render(board, Prometheus(options.prometheus), time.time(), span)
            figure.savefig(options.out / f"{uid}.png")
            print(options.out / f"{uid}.png")
    except PrometheusFails as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
