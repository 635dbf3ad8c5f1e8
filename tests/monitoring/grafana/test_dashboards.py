"""The committed dashboards are complete, up to date and explain themselves."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana import palette
from monitoring.grafana.build import build_all
from monitoring.grafana.reading import (
    BoardQuery,
    fill_in,
    list_panels,
    list_queries,
    read_dashboards,
)
from monitoring.grafana.render import UNITS
from tests.monitoring.prometheus.promql import list_metrics
from tests.monitoring.prometheus.test_rules import read_known_metrics, read_rules
from tests.stack import ROOT

MONITORING = ROOT / "monitoring"
PROVISIONING = MONITORING / "grafana" / "provisioning"
BOARDS = read_dashboards()
PANELS = [
    pytest.param(panel, id=f"{uid}: {panel['title']}")
    for uid, board in BOARDS.items()
    for panel in list_panels(board)
]
QUERIES = [query for board in BOARDS.values() for query in list_queries(board)]


def list_metrics_of(query: BoardQuery) -> set[str]:
    """The metrics in a query."""
    return list_metrics(fill_in(query.expr, BOARDS[query.dashboard], 3600, 15))


def pass_through_sdk(board: dict[str, Any]) -> Any:
    """The dashboard after a round trip through the SDK's types."""
    register_default_plugins()  # otherwise options and queries are not parsed
    return json.loads(JSONEncoder().encode(Dashboard.from_json(board)))


def list_lost(before: Any, after: Any, path: str = "") -> list[str]:
    """The paths that `after` lacks or changes; additions do not count."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            lost
            for key, value in before.items()
            for lost in list_lost(value, after.get(key), f"{path}.{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            lost
            for place, (one, other) in enumerate(zip(before, after, strict=True))
            for lost in list_lost(one, other, f"{path}[{place}]")
        ]
    return [] if before == after else [path]


def test_committed_dashboards_are_what_build_writes() -> None:
    """`python -m monitoring.grafana.build` would change, add and leave over no file."""
    written = dict(build_all())
    assert set(written) == set((MONITORING / "grafana" / "dashboards").iterdir())
    for file, text in written.items():
        assert file.read_text() == text, f"{file.name} is out of date"


@pytest.mark.parametrize("uid", BOARDS)
def test_round_trip_through_the_sdk_loses_nothing(uid: str) -> None:
    """Grafana's schema knows each key and value: the SDK silently drops others."""
    board = BOARDS[uid]
    assert list_lost(board, pass_through_sdk(board)) == []


def test_round_trip_finds_an_unknown_key() -> None:
    """The comparison itself finds a misspelt key of a panel, with its path."""
    board = json.loads(json.dumps(BOARDS["overview"]))
    board["panels"][0]["desription"] = "misspelt"
    board["panels"][1]["options"]["colourMode"] = "value"
    board["panels"][2]["targets"][0]["expresion"] = "up"
    assert list_lost(board, pass_through_sdk(board)) == [
        ".panels[0].desription",
        ".panels[1].options.colourMode",
        ".panels[2].targets[0].expresion",
    ]


@pytest.mark.parametrize("panel", PANELS)
def test_panel_explains_itself(panel: dict[str, Any]) -> None:
    """A panel has a title, a sentence of description, a unit, and a text for missing data."""
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert re.fullmatch(r"[A-Z].{25,}\.", panel["description"])
    assert defaults["unit"] in UNITS
    assert defaults["noValue"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
    assert panel["targets"]


@pytest.mark.parametrize("panel", PANELS)
def test_missing_figure_is_no_alarm(panel: dict[str, Any]) -> None:
    """A tile without data is grey, not the colour of its lowest step, which may be an alarm."""
    if panel["type"] != "stat":
        return
    nothing = panel["fieldConfig"]["defaults"]["mappings"][-1]
    assert nothing["options"]["match"] == "null+nan"
    assert nothing["options"]["result"]["color"] == palette.QUIET


@pytest.mark.parametrize("panel", PANELS)
def test_shares_and_amounts_begin_at_zero(panel: dict[str, Any]) -> None:
    """An axis starts at zero, so that small changes look small; AUC starts at 0.5."""
    if panel["type"] in ("timeseries", "bargauge"):
        lowest = 0.5 if panel["title"] == "AUC by epoch" else 0
        assert panel["fieldConfig"]["defaults"]["min"] == lowest


@pytest.mark.parametrize("uid", BOARDS)
def test_panels_fill_the_grid_without_overlap(uid: str) -> None:
    """Panels neither overlap nor exceed the grid, and their ids are unique."""
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[uid]["panels"]:
        spot = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(spot["x"], spot["x"] + spot["w"])
            for y in range(spot["y"], spot["y"] + spot["h"])
        }
        assert not cells & taken, panel["title"]
        assert spot["x"] + spot["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in BOARDS[uid]["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert len(taken) == 24 * (max(y for _, y in taken) + 1), "the grid has holes"


def test_wall_screen_is_seen_without_scrolling_or_choosing() -> None:
    """Overview fits 1080 pixels (38 per row, below a heading of 80) and has no variables."""
    overview = BOARDS["overview"]
    assert max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in overview["panels"]) * 38 <= 1000
    assert "list" not in overview["templating"]


@pytest.mark.parametrize("uid", BOARDS)
def test_links_lead_to_every_other_dashboard(uid: str) -> None:
    """The top bar links to all others and keeps the time range; links of panels have a target."""
    board = BOARDS[uid]
    others = {f"/d/{other}" for other in BOARDS if other != uid}
    assert {link["url"] for link in board["links"]} == others
    assert all(link["keepTime"] and "placement" not in link for link in board["links"])
    for panel in list_panels(board):
        assert {link["url"] for link in panel.get("links", ())} <= others


def test_alerts_lead_to_dashboards_that_exist() -> None:
    """The dashboard of each alert exists."""
    alerts = [rule for rule in read_rules() if "alert" in rule]
    assert alerts
    for alert in alerts:
        assert alert["annotations"]["dashboard"].removeprefix("/d/") in BOARDS, alert["alert"]


@pytest.mark.parametrize("uid", BOARDS)
def test_releases_switches_and_pages_are_drawn_into_the_curves(uid: str) -> None:
    """Every dashboard shows when something changed and when a page fired."""
    events = BOARDS[uid]["annotations"]["list"]
    assert [event["name"] for event in events] == ["Releases", "Model switches", "Pages"]
    assert all(event["enable"] for event in events)


@pytest.mark.parametrize(
    "query", [pytest.param(q, id=f"{q.dashboard}: {q.source}") for q in QUERIES]
)
def test_every_metric_is_known(query: BoardQuery) -> None:
    """Each metric is in METRICS.md, in a recording rule or in the reviewed list."""
    recorded = {rule["record"] for rule in read_rules() if "record" in rule}
    assert list_metrics_of(query) <= read_known_metrics() | recorded


def test_reviewed_names_are_all_used() -> None:
    """The reviewed list has no metric that neither a dashboard nor a rule uses."""
    listed = (MONITORING / "prometheus" / "exporter_metrics.txt").read_text()
    asked = {name for query in QUERIES for name in list_metrics_of(query)}
    asked |= {name for rule in read_rules() for name in list_metrics(rule["expr"])}
    assert set(re.findall(r"^\w+ (\w+)$", listed, re.M)) <= asked


def test_colours_are_distinct_and_mean_one_thing() -> None:
    """Every colour is from the palette, and the colours of predictions are not those of states."""
    text = "".join(json.dumps(board) for board in BOARDS.values())
    known = {value for value in vars(palette).values() if isinstance(value, str)}
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", text)) <= known | set(palette.BY_NAME.values())
    assert not {palette.PNEUMONIA, palette.NORMAL} & {palette.GOOD, palette.WARN, palette.BAD}


@pytest.mark.parametrize("file", sorted(PROVISIONING.rglob("*.yml")), ids=lambda file: file.name)
def test_provisioning_takes_addresses_from_the_environment(file: Path) -> None:
    """The monitoring host's script sets each variable, and the README names it."""
    text = file.read_text()
    assert yaml.safe_load(text)["apiVersion"] == 1
    names = set(re.findall(r"\$\{(\w+)\}", text))
    assert names
    for name in names:
        assert f"{name}=" in (ROOT / "terraform" / "user_data" / "monitoring.sh").read_text()
        assert f"{name}=" in (MONITORING / "README.md").read_text()


def test_data_source_is_the_one_that_dashboards_ask() -> None:
    """The uid matches, and so does the interval that $__rate_interval is derived from."""
    text = (PROVISIONING / "datasources" / "prometheus.yml").read_text()
    [source] = yaml.safe_load(text)["datasources"]
    assert source["uid"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == "15s"
