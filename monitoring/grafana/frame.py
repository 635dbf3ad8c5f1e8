"""What all dashboards share: links to each other, annotations, refresh interval."""

from collections.abc import Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as parts

from monitoring.grafana.palette import BAD, QUIET, THIRD
from monitoring.grafana.panels import SOURCE

# From what clinicians notice to what may cause it.
TITLES: Final = {
    "overview": "Overview",
    "serving": "Serving",
    "model": "Model",
    "training": "Trainer",
    "hosts": "Hosts",
}


def frame(uid: str, why: str, since: str, refresh: str) -> dashboard.Dashboard:
    """A dashboard without panels; its time range begins at `since`, such as `now-3h`."""
    board = dashboard.Dashboard(f"Pneumonia: {TITLES[uid]}").uid(uid).description(why)
    board.tags(["pneumonia"]).timezone("browser").readonly().version(1)
    board.time(since, "now").refresh(refresh).tooltip(parts.DashboardCursorSync.CROSSHAIR)
    for other, title in TITLES.items():
        if other != uid:
            link = dashboard.DashboardLink(title).type(parts.DashboardLinkType.LINK)
            board.link(link.url(f"/d/{other}").icon("dashboard").keep_time(True))
    # An event is a label set that did not exist in the preceding 15 minutes, so a restart causes
    # none. It lasts five minutes because Grafana queries less often over more than a week.
    for name, color, metric, labels in (
        ("Releases", THIRD, "pneumonia_release_info", "service, release"),
        ("Model switches", QUIET, "pneumonia_worker_model_info", "model"),
    ):
        what = f"max by ({labels}) ({metric})"
        before = f"max by ({labels}) (max_over_time({metric}[15m] offset 5m))"
        title = " ".join(f"{{{{{label}}}}}" for label in labels.split(", "))
        board.annotation(_event(name, color, f"{what} unless {before}", title))
    firing = 'ALERTS{alertstate="firing", severity="page"}'
    board.annotation(_event("Pages", BAD, firing, "{{alertname}}"))
    return board


def _event(name: str, color: str, expr: str, title: str) -> dashboard.AnnotationQuery:
    event = dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True)
    event.icon_color(color).expr(expr).step("60s").title_format(name).text_format(title)
    return event.use_value_for_time(False)


def fill(board: dashboard.Dashboard, rows: Sequence[tuple[str, Sequence[Any]]]) -> parts.Dashboard:
    """The dashboard with numbered panels in rows; a row without a title has no heading."""
    for title, panels in rows:
        if title:
            board.with_row(dashboard.Row(title))
        for panel in panels:
            board.with_panel(panel)
    built = board.build()
    for link in built.links or []:
        link.placement = None  # type: ignore[assignment]  # in the top bar, not in its menu
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return built
