"""Overview: the wall screen. Is it working for clinicians now, and if not, where to look."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.expressions import (
    ACCEPTED_NOW,
    IN_TIME_NOW,
    JUDGED,
    UPLOADS,
    accepted,
    in_time,
    quantile,
)
from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD, WARN
from monitoring.grafana.panels import Query, levels, lines, number, rows

# 0 nobody is served, 1 some are served late or not, 2 all is well. Without uploads their shares
# say nothing, and count as good.
VERDICT: Final = f"""
(max(probe_success{{job="site"}}) or vector(0))
* (max(pneumonia_queue_workers) > bool 0 or vector(0))
* (({ACCEPTED_NOW}) > bool 0.5 or vector(1))
* (1 + (({ACCEPTED_NOW}) >= bool 0.99 or vector(1))
     * (({IN_TIME_NOW}) >= bool 0.9 or vector(1))
     * (max(pneumonia_queue_oldest_seconds) < bool 30 or vector(0))
     * (count(ALERTS{{alertstate="firing", severity="page"}}) == bool 0 or vector(1)))
"""
BUDGETS: Final = (
    ("uploads accepted", accepted("30d"), 0.999),
    ("results within 2 s", in_time("30d"), 0.99),
)
SERVING: Final = ("Where it is lost: Serving", "/d/serving")


def build() -> Dashboard:
    """The dashboard, for a screen of 24 by 21 units: all of it is seen without scrolling."""
    board = frame(
        "overview", "Is it working for clinicians now? For a screen on the wall.", "now-3h", "30s"
    )
    verdict = number(
        "For clinicians, now",
        "NOT WORKING: the site does not answer, no worker is warm, or most uploads of the last 5 "
        "minutes failed. WITH FAULTS: somebody is paged, more than 1 % of the uploads failed, more "
        "than 10 % of the results came after 2 s, or one X-ray waits for more than 30 s.",
        Query(VERDICT),
        size=(8, 6),
        names={0: ("NOT WORKING", BAD), 1: ("WITH FAULTS", WARN), 2: ("WORKING", GOOD)},
        steps=((None, BAD), (1, WARN), (2, GOOD)),
        empty="NOT MEASURED",
        filled=True,
        link=SERVING,
    )
    uploads = number(
        "Uploads accepted",
        "Share of the uploads of the last 5 minutes that were accepted, of all that were not "
        "refused for a fault of their own. The goal is 99.9 % over 30 days.",
        Query(ACCEPTED_NOW),
        size=(4, 6),
        unit="percentunit",
        steps=((None, BAD), (0.99, WARN), (0.999, GOOD)),
        empty="no uploads",
        link=SERVING,
    )
    results = number(
        "Results within 2 s",
        "Share of the X-rays of the last 5 minutes that were judged within 2 s of their upload. "
        "The goal is 99 % over 30 days.",
        Query(IN_TIME_NOW),
        size=(4, 6),
        unit="percentunit",
        steps=((None, BAD), (0.9, WARN), (0.99, GOOD)),
        empty="no X-rays",
        link=SERVING,
    )
    waiting = number(
        "Longest wait",
        "For how long the oldest X-ray in the queue has waited; 0 s when none waits. It grows "
        "when the workers are gone or too few.",
        Query("max(pneumonia_queue_oldest_seconds)"),
        size=(4, 6),
        unit="s",
        decimals=0,
        steps=((None, GOOD), (10, WARN), (30, BAD)),
        link=SERVING,
    )
    workers = number(
        "Workers",
        "Warm workers, which have their model loaded and beat. Without one nothing is judged; "
        "what is accepted waits.",
        Query("max(pneumonia_queue_workers)"),
        size=(4, 6),
        steps=((None, BAD), (1, GOOD)),
        link=("Their hosts", "/d/hosts"),
    )
    traffic = lines(
        "Uploads a minute",
        "What became of the uploads: accepted; reused, for the same bytes were judged before; "
        "refused for a fault of the sender; unavailable is ours.",
        Query(f"sum by (outcome) (rate({UPLOADS}[$__rate_interval])) * 60", "{{outcome}}"),
        size=(12, 8),
        stacked=True,
        series=("accepted", "reused", "refused", "unavailable"),
        empty="no uploads in this time",
    )
    delay = lines(
        "Time until the result",
        "From the upload's acceptance until the X-ray is judged, for half, 95 % and 99 % of them. "
        "The dashed line is the goal, 2 s; what took longer than 10 s leaves the picture at the "
        "top, and is in Serving.",
        Query(quantile(0.5, JUDGED), "half"),
        Query(quantile(0.95, JUDGED), "95 %"),
        Query(quantile(0.99, JUDGED), "99 %"),
        size=(12, 8),
        unit="s",
        limit=(2, BAD),
        highest=10,
        empty="no X-rays in this time",
    )
    alerts = rows(
        "Alerts that fire",
        "Symptoms come first. A page wants a person now, a ticket by the next working day. "
        "monitoring/RUNBOOK.md has a section for each.",
        Query(
            "max by (severity, alertname, instance) (ALERTS_FOR_STATE * 1000"
            ' and ignoring (alertstate) ALERTS{alertstate="firing"})',
            "since",
        ),
        labels={"severity": "severity", "alertname": "alert", "instance": "where"},
        size=(12, 7),
        units={"since": "dateTimeFromNow"},
        empty="Nothing fires.",
    )
    budgets = levels(
        "Error budget left, 30 days",
        "How much of what may fail in 30 days is left: 0.1 % of the uploads may fail, 1 % of "
        "the results may come after 2 s. Below zero the goal is missed: fix before you change.",
        *(Query(f"1 - (1 - {share}) / (1 - {goal})", name) for name, share, goal in BUDGETS),
        size=(6, 7),
        steps=((None, BAD), (0, WARN), (0.25, GOOD)),
        decimals=0,
        empty="nothing was uploaded",
    )
    today = number(
        "Judged in 24 h",
        "X-rays that came to an end in the last 24 hours, by how; failed is ours.",
        Query("sum by (status) (increase(pneumonia_worker_xrays_total[24h]))", "{{status}}"),
        size=(6, 7),
        decimals=0,
        empty="none",
        link=("What the model decides", "/d/model"),
    )
    return fill(
        board,
        [
            ("", [verdict, uploads, results, waiting, workers]),
            ("", [traffic, delay]),
            ("", [alerts, budgets, today]),
        ],
    )
