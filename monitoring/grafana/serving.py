"""Serving: what clinicians notice, then web, API, queue, workers and Redis."""

from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.curves import heat, lines
from monitoring.grafana.expressions import JUDGED
from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD
from monitoring.grafana.panels import Query, levels, number

ASKED = 'route!~"/(livez|readyz|metrics)"'
# Series by the first digit of the status.
CLASSES = ("2xx", "3xx", "4xx", "5xx")


def build() -> Dashboard:
    """The dashboard; its rows follow the path of an X-ray."""
    board = frame("serving", "Where an X-ray is delayed or lost, step by step.", "now-3h", "30s")
    return fill(
        board,
        [
            ("Web: what clinicians notice", _web()),
            ("API", _api()),
            ("Queue", _queue()),
            ("Workers", _workers()),
            ("Redis and nginx", _stores()),
        ],
    )


def answers(metric: str) -> str:
    """Responses per second by status class, such as 2xx, without health checks."""
    rate = f"rate({metric}{{{ASKED}}}[$__rate_interval])"
    return f'sum by (class) (label_replace({rate}, "class", "${{1}}xx", "status", "(.).."))'


def slowest(metric: str) -> str:
    """The six slowest routes by 95th percentile of the response time (seconds)."""
    rate = f"sum by (route, le) (rate({metric}_bucket{{{ASKED}}}[15m]))"
    return f"sort_desc(topk(6, histogram_quantile(0.95, {rate}) >= 0))"


def _web() -> list[Any]:
    return [
        lines(
            "Web responses per second, by status",
            "Responses of the web service. 5xx is our fault; many 4xx together with many log-ins"
            " suggest that somebody is guessing passwords.",
            Query(answers("pneumonia_web_requests_total"), "{{class}}"),
            size=(8, 7),
            unit="reqps",
            stacked=True,
            series=CLASSES,
        ),
        levels(
            "Slowest pages (95th percentile)",
            "The slowest routes of the last 15 minutes, by 95th percentile of the response time."
            " An upload waits for its result.",
            Query(slowest("pneumonia_web_request_seconds"), "{{route}}"),
            size=(8, 7),
            unit="s",
            highest=None,
            empty="no requests in 15 minutes",
        ),
        lines(
            "Log-ins per minute",
            "Log-ins by outcome. Many wrong passwords: somebody is guessing, or a device uses an"
            " old password.",
            *(
                Query(
                    f'sum(rate(pneumonia_api_log_ins_total{{outcome="{outcome}"}}'
                    "[$__rate_interval])) * 60",
                    outcome.replace("_", " "),
                )
                for outcome in ("ok", "wrong_password", "locked_out")
            ),
            size=(8, 7),
            empty="no log-ins in this period",
        ),
    ]


def _api() -> list[Any]:
    return [
        lines(
            "API responses per second, by status",
            "Responses of the API to the web service and to machines, without health checks.",
            Query(answers("pneumonia_api_requests_total"), "{{class}}"),
            size=(8, 7),
            unit="reqps",
            stacked=True,
            series=CLASSES,
        ),
        levels(
            "Slowest calls (95th percentile)",
            "The slowest routes of the last 15 minutes, by 95th percentile of the response time."
            " With ?wait= a call waits for the result.",
            Query(slowest("pneumonia_api_request_seconds"), "{{route}}"),
            size=(8, 7),
            unit="s",
            highest=None,
            empty="no calls in 15 minutes",
        ),
        lines(
            "Requests in progress",
            "Requests that are being handled. A rise without more traffic means that something "
            "they depend on has become slow.",
            Query("sum(pneumonia_web_requests_in_flight)", "web"),
            Query("sum(pneumonia_api_requests_in_flight)", "API"),
            size=(8, 7),
            room=4,
        ),
    ]


def _queue() -> list[Any]:
    return [
        lines(
            "X-rays in the queue",
            "X-rays that wait for a worker, and X-rays that a worker is processing. At "
            "MAX_QUEUED (1000 by default) the API refuses uploads.",
            Query("max(pneumonia_queue_waiting)", "waiting"),
            Query("max(pneumonia_queue_in_flight)", "in progress"),
            size=(8, 7),
            stacked=True,
            room=4,
        ),
        lines(
            "Age of the oldest X-ray",
            "How long the oldest X-ray in the queue has waited. It falls to 0 when the queue is "
            "empty.",
            Query("max(pneumonia_queue_oldest_seconds)", "oldest"),
            size=(8, 7),
            unit="s",
            limit=(30, BAD),
        ),
        lines(
            "Outcomes and retries per minute",
            "X-rays by final state. Rejected: not a frontal chest X-ray, or not readable. "
            "Retries and failures are our fault; an X-ray fails after its third retry.",
            Query(
                "sum by (status) (rate(pneumonia_worker_xrays_total[$__rate_interval])) * 60",
                "{{status}}",
            ),
            Query("sum(rate(pneumonia_worker_retries_total[$__rate_interval])) * 60", "retried"),
            size=(8, 7),
            series=("done", "rejected", "failed"),
        ),
    ]


def _workers() -> list[Any]:
    step = "pneumonia_worker_step_seconds"
    busy = f"sum by (instance) (rate({step}_sum[$__rate_interval]))"
    return [
        heat(
            "Time to result",
            "Distribution of the time from accepting an upload to its final state. A second band"
            " above the first means that part of the X-rays is held up.",
            Query(f"sum by (le) (increase({JUDGED}_bucket[$__rate_interval]))"),
            size=(8, 8),
            unit="s",
            cell="1m",
            empty="no X-rays in this period",
        ),
        lines(
            "Worker time by step",
            "Mean duration of each step: decode the file, predict, store preview and record; then "
            "keep the film, for which no result waits.",
            Query(
                f"sum by (step) (rate({step}_sum[$__rate_interval]))"
                f" / sum by (step) (rate({step}_count[$__rate_interval]))",
                "{{step}}",
            ),
            size=(8, 8),
            unit="s",
            stacked=True,
            series=("decode", "predict", "store"),
            empty="no X-rays in this period",
        ),
        lines(
            "Worker utilisation",
            "Share of the time in which a worker decodes, predicts or stores: the busiest "
            "worker, and the mean of all. If it stays near 100 %, more X-rays arrive than the "
            "workers can analyse.",
            Query(f"max({busy})", "busiest"),
            Query(f"avg({busy})", "mean"),
            size=(8, 8),
            unit="percentunit",
            highest=1,
        ),
    ]


def _stores() -> list[Any]:
    return [
        number(
            "Redis writes to disk",
            "Whether the last write to Redis's append-only file succeeded. NO: Redis accepts no "
            "more writes, so uploads fail. Check the disk first.",
            Query("min(redis_aof_last_write_status)"),
            size=(4, 7),
            names={0: ("NO", BAD), 1: ("YES", GOOD)},
            steps=((None, BAD), (1, GOOD)),
            empty="not measured",
            filled=True,
        ),
        number(
            "Redis answers",
            "Whether the exporter can reach Redis. NO: log-ins, uploads and results all fail.",
            Query("min(redis_up)"),
            size=(4, 7),
            names={0: ("NO", BAD), 1: ("YES", GOOD)},
            steps=((None, BAD), (1, GOOD)),
            empty="not measured",
            filled=True,
        ),
        lines(
            "Redis memory",
            "Records, sessions and the queue. Redis never evicts data: when the host runs out of"
            " memory, the kernel kills a process.",
            Query("max(redis_memory_used_bytes)", "used"),
            Query("max(redis_memory_used_rss_bytes)", "resident"),
            size=(8, 7),
            unit="bytes",
        ),
        lines(
            "nginx connections",
            "Open connections by state: reading the request, writing the response, idle.",
            Query("sum(nginx_connections_reading)", "reading"),
            Query("sum(nginx_connections_writing)", "writing"),
            Query("sum(nginx_connections_waiting)", "idle"),
            size=(8, 7),
            stacked=True,
        ),
    ]
