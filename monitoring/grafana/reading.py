"""Read the committed dashboards: their panels, and every query with its variables filled in.

Variables ($__rate_interval, $price, ...) get the values that Grafana would give them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent / "dashboards"
SCRAPE_SECONDS: Final = 15  # timeInterval of the data source
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class BoardQuery:
    """A query of a dashboard: of a panel, an annotation or a variable."""

    dashboard: str
    source: str
    expr: str
    instant: bool


def read_dashboards(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The dashboards by uid, from the files in `folder`."""
    boards = (json.loads(file.read_text()) for file in sorted(folder.glob("*.json")))
    return {board["uid"]: board for board in boards}


def list_panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The panels with queries; rows are only headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def list_queries(board: Mapping[str, Any]) -> Iterator[BoardQuery]:
    """Every query, with Grafana's variables still in it."""
    for panel in list_panels(board):
        for target in panel["targets"]:
            yield BoardQuery(board["uid"], panel["title"], target["expr"], target["instant"])
    for event in board["annotations"]["list"]:
        yield BoardQuery(board["uid"], f"annotation {event['name']}", event["expr"], False)
    for variable in board["templating"].get("list", ()):
        if asked := re.fullmatch(r"label_values\((.+), *\w+\)", str(variable.get("query"))):
            yield BoardQuery(board["uid"], f"variable {variable['name']}", asked[1], True)


def seconds(text: str) -> int:
    """The length of `now-3h` or `90s` in seconds."""
    number, unit = re.fullmatch(r"(?:now-)?(\d+)([smhd])", text).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def fill_in(expr: str, board: Mapping[str, Any], span: int, step: int) -> str:
    """The expression as Grafana sends it, with the initial value of each variable.

    It is for a curve over `span` seconds with a point every `step` seconds.
    """
    values = {
        "__rate_interval": f"{max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s",
        "__interval": f"{step}s",
        "__range": f"{span}s",
    }
    for variable in board["templating"].get("list", ()):
        value = variable["current"]["value"]
        values[variable["name"]] = variable["allValue"] if value == ["$__all"] else value
    return re.sub(r"\$([a-z_]\w*)", lambda name: values[name[1]], expr)
