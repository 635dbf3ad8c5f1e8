"""Overview, for the wall screen: does the system work for clinicians, and if not, where to look?"""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.curves import lines
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
from monitoring.grafana.panels import Query, levels, number, rows

# 0: nobody is served; 1: some requests are late or fail; 2: all is well. Without uploads the shares
# are undefined and count as good.
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
SERVING: Final = ("Find the cause: Serving", "/d/serving")


def build() -> Dashboard:
    """The dashboard, 24 by 21 grid units, so that a wall screen shows it without scrolling."""
    board = frame(
        "overview",
        "Does the system work for clinicians now? For a screen on the wall.",
        "now-3h",
        "30s",
    )
    verdict = number(
        "Status for clinicians",
        "NOT WORKING: the site does not answer, no worker is ready, or most uploads of the last "
        "5 minutes failed. DEGRADED: a page is firing, more than 1 % of the uploads failed, more"
        " than 10 % of the results took over 2 s, or an X-ray has waited for more than 30 s.",
        Query(VERDICT),
        size=(8, 6),
        names={0: ("NOT WORKING", BAD), 1: ("DEGRADED", WARN), 2: ("WORKING", GOOD)},
        steps=((None, BAD), (1, WARN), (2, GOOD)),
        empty="NO DATA",
        filled=True,
        link=SERVING,
    )
    uploads = number(
        "Uploads accepted",
        "Share of the valid uploads of the last 5 minutes that were accepted; uploads rejected "
        "because of their content do not count. The target is 99.9 % over 30 days.",
        Query(ACCEPTED_NOW),
        size=(4, 6),
        unit="percentunit",
        steps=((None, BAD), (0.99, WARN), (0.999, GOOD)),
        empty="no uploads",
        link=SERVING,
    )
    results = number(
        "Results within 2 s",
        "Share of the X-rays of the last 5 minutes whose result was ready within 2 s of the "
        "upload. The target is 99 % over 30 days.",
        Query(IN_TIME_NOW),
        size=(4, 6),
        unit="percentunit",
        steps=((None, BAD), (0.9, WARN), (0.99, GOOD)),
        empty="no X-rays",
        link=SERVING,
    )
    waiting = number(
        "Longest wait",
        "How long the oldest X-ray in the queue has waited; 0 s when the queue is empty. It "
        "grows when workers are missing or too few.",
        Query("max(pneumonia_queue_oldest_seconds)"),
        size=(4, 6),
        unit="s",
        decimals=0,
        steps=((None, GOOD), (10, WARN), (30, BAD)),
        link=SERVING,
    )
    workers = number(
        "Workers",
        "Workers that have loaded their model and send a heartbeat. Without one, no X-ray is "
        "analysed; accepted X-rays wait in the queue.",
        Query("max(pneumonia_queue_workers)"),
        size=(4, 6),
        steps=((None, BAD), (1, GOOD)),
        link=("Their hosts", "/d/hosts"),
    )
    traffic = lines(
        "Uploads per minute",
        "Uploads by outcome. Reused: an identical file was analysed before. Refused: the upload "
        "itself was invalid. Unavailable: our system failed.",
        Query(f"sum by (outcome) (rate({UPLOADS}[$__rate_interval])) * 60", "{{outcome}}"),
        size=(12, 8),
        stacked=True,
        series=("accepted", "reused", "refused", "unavailable"),
        empty="no uploads in this period",
    )
    delay = lines(
        "Time to result",
        "Time from accepting the upload to its result: median, 95th and 99th percentile. The "
        "dashed line is the target, 2 s. Times above 10 s are cut off here; Serving shows them.",
        Query(quantile(0.5, JUDGED), "median"),
        Query(quantile(0.95, JUDGED), "95th percentile"),
        Query(quantile(0.99, JUDGED), "99th percentile"),
        size=(12, 8),
        unit="s",
        limit=(2, BAD),
        highest=10,
        empty="no X-rays in this period",
    )
    alerts = rows(
        "Firing alerts",
        "A page needs a person now, a ticket by the next working day. monitoring/RUNBOOK.md has "
        "a section for each alert.",
        Query(
            "max by (severity, alertname, instance) (ALERTS_FOR_STATE * 1000"
            ' and ignoring (alertstate) ALERTS{alertstate="firing"})',
            "since",
        ),
        labels={"severity": "severity", "alertname": "alert", "instance": "where"},
        size=(12, 7),
        units={"since": "dateTimeFromNow"},
        empty="No alert is firing.",
    )
    budgets = levels(
        "Error budget left (30 days)",
        "Share of the 30-day error budget that is left: 0.1 % of the uploads may fail, and 1 % "
        "of the results may take over 2 s. Below zero the target is missed: fix reliability "
        "before releasing changes.",
        *(Query(f"1 - (1 - {share}) / (1 - {goal})", name) for name, share, goal in BUDGETS),
        size=(6, 7),
        steps=((None, BAD), (0, WARN), (0.25, GOOD)),
        decimals=0,
        empty="no uploads",
    )
    today = number(
        "Analysed in 24 h",
        "X-rays that reached a final state in the last 24 hours, by state. Failed means that our"
        " system failed.",
        Query("sum by (status) (increase(pneumonia_worker_xrays_total[24h]))", "{{status}}"),
        size=(6, 7),
        decimals=0,
        empty="none",
        link=("What the model predicts", "/d/model"),
    )
    return fill(
        board,
        [
            ("", [verdict, uploads, results, waiting, workers]),
            ("", [traffic, delay]),
            ("", [alerts, budgets, today]),
        ],
    )
