"""Serving: from what clinicians feel, through web, API and queue, to workers and Redis."""

from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.expressions import JUDGED
from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD
from monitoring.grafana.panels import Query, heat, levels, lines, number

ASKED = 'route!~"/(livez|readyz|metrics)"'
# Series by the first figure of the status.
CLASSES = ("2xx", "3xx", "4xx", "5xx")


def build() -> Dashboard:
    """The dashboard: its rows follow an X-ray's way."""
    board = frame("serving", "Where an X-ray is held up or lost, along its way.", "now-3h", "30s")
    return fill(
        board,
        [
            ("Web: what clinicians feel", _web()),
            ("API", _api()),
            ("Queue", _queue()),
            ("Workers", _workers()),
            ("Redis and nginx", _stores()),
        ],
    )


def answers(metric: str) -> str:
    """Answers a second by class of status, as 2xx; without the questions of health checks."""
    rate = f"rate({metric}{{{ASKED}}}[$__rate_interval])"
    return f'sum by (class) (label_replace({rate}, "class", "${{1}}xx", "status", "(.).."))'


def slowest(metric: str) -> str:
    """The six slowest routes, each with what 95 % of its requests stay below."""
    rate = f"sum by (route, le) (rate({metric}_bucket{{{ASKED}}}[15m]))"
    return f"sort_desc(topk(6, histogram_quantile(0.95, {rate}) >= 0))"


def _web() -> list[Any]:
    return [
        lines(
            "Pages and calls a second, by status",
            "What the web answered. 5xx is ours; 4xx with many log-ins is somebody guessing.",
            Query(answers("pneumonia_web_requests_total"), "{{class}}"),
            size=(8, 7),
            unit="reqps",
            stacked=True,
            series=CLASSES,
        ),
        levels(
            "Slowest pages, 95 %",
            "Time to answer that 95 of 100 requests of the last 15 minutes stay below, for the "
            "slowest routes. An upload waits for its result.",
            Query(slowest("pneumonia_web_request_seconds"), "{{route}}"),
            size=(8, 7),
            unit="s",
            highest=None,
            empty="no requests in 15 minutes",
        ),
        lines(
            "Log-ins a minute",
            "By outcome. Many wrong passwords: somebody guesses, or a device has an old one.",
            *(
                Query(
                    f'sum(rate(pneumonia_api_log_ins_total{{outcome="{outcome}"}}'
                    "[$__rate_interval])) * 60",
                    outcome.replace("_", " "),
                )
                for outcome in ("ok", "wrong_password", "locked_out")
            ),
            size=(8, 7),
            empty="no log-ins in this time",
        ),
    ]


def _api() -> list[Any]:
    return [
        lines(
            "Answers a second, by status",
            "What the API answered, to the web and to machines, without health checks.",
            Query(answers("pneumonia_api_requests_total"), "{{class}}"),
            size=(8, 7),
            unit="reqps",
            stacked=True,
            series=CLASSES,
        ),
        levels(
            "Slowest calls, 95 %",
            "Time to answer that 95 of 100 calls of the last 15 minutes stay below, for the "
            "slowest routes. With ?wait= a call waits for the result.",
            Query(slowest("pneumonia_api_request_seconds"), "{{route}}"),
            size=(8, 7),
            unit="s",
            highest=None,
            empty="no calls in 15 minutes",
        ),
        lines(
            "Being answered now",
            "Requests in hand. A rise without more traffic: what they wait for has become slow.",
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
            "Waiting for a worker, and in workers' hands. Uploads are refused from MAX_QUEUED on, "
            "1000 unless it is set.",
            Query("max(pneumonia_queue_waiting)", "waiting"),
            Query("max(pneumonia_queue_in_flight)", "in workers' hands"),
            size=(8, 7),
            stacked=True,
            room=4,
        ),
        lines(
            "Age of the oldest",
            "For how long the oldest X-ray has waited. It falls to 0 when the queue is empty.",
            Query("max(pneumonia_queue_oldest_seconds)", "oldest"),
            size=(8, 7),
            unit="s",
            limit=(30, BAD),
        ),
        lines(
            "Ends and retries a minute",
            "How X-rays ended. Rejected: no frontal chest X-ray, or not readable. Tried again and "
            "failed are faults of ours; after the third retry an X-ray has failed.",
            Query(
                "sum by (status) (rate(pneumonia_worker_xrays_total[$__rate_interval])) * 60",
                "{{status}}",
            ),
            Query(
                "sum(rate(pneumonia_worker_retries_total[$__rate_interval])) * 60", "tried again"
            ),
            size=(8, 7),
            series=("done", "rejected", "failed"),
        ),
    ]


def _workers() -> list[Any]:
    step = "pneumonia_worker_step_seconds"
    busy = f"sum by (instance) (rate({step}_sum[$__rate_interval]))"
    return [
        heat(
            "Time until the result",
            "How many X-rays took how long, from acceptance to the end state. A second band above "
            "the first is a part of them that is held up.",
            Query(f"sum by (le) (increase({JUDGED}_bucket[$__rate_interval]))"),
            size=(8, 8),
            unit="s",
            cell="1m",
            empty="no X-rays in this time",
        ),
        lines(
            "Where a worker's time goes",
            "Mean seconds a step: decode the file, predict, store preview and record.",
            Query(
                f"sum by (step) (rate({step}_sum[$__rate_interval]))"
                f" / sum by (step) (rate({step}_count[$__rate_interval]))",
                "{{step}}",
            ),
            size=(8, 8),
            unit="s",
            stacked=True,
            series=("decode", "predict", "store"),
            empty="no X-rays in this time",
        ),
        lines(
            "Busy share of the workers",
            "Share of the time in which a worker decodes, predicts or stores, of the busiest and "
            "of all. Near 100 % for long: more X-rays come than they can judge.",
            Query(f"max({busy})", "busiest"),
            Query(f"avg({busy})", "all"),
            size=(8, 8),
            unit="percentunit",
            highest=1,
        ),
    ]


def _stores() -> list[Any]:
    return [
        number(
            "Redis writes to disk",
            "Whether the last write of the log of changes succeeded. NO: nothing more is accepted, "
            "for it could be lost. Look at the disk first.",
            Query("min(redis_aof_last_write_status)"),
            size=(4, 7),
            names={0: ("NO", BAD), 1: ("YES", GOOD)},
            steps=((None, BAD), (1, GOOD)),
            empty="not measured",
            filled=True,
        ),
        number(
            "Redis answers",
            "Whether the exporter reaches Redis. NO: log-ins, uploads and results all fail.",
            Query("min(redis_up)"),
            size=(4, 7),
            names={0: ("NO", BAD), 1: ("YES", GOOD)},
            steps=((None, BAD), (1, GOOD)),
            empty="not measured",
            filled=True,
        ),
        lines(
            "Memory of Redis",
            "Records, sessions and the queue. Redis is not told to throw anything away: when the "
            "host's memory is full, it is ended.",
            Query("max(redis_memory_used_bytes)", "used"),
            Query("max(redis_memory_used_rss_bytes)", "of the process"),
            size=(8, 7),
            unit="bytes",
        ),
        lines(
            "Connections at nginx",
            "Open connections of browsers: being read, being answered, idle.",
            Query("sum(nginx_connections_reading)", "reading"),
            Query("sum(nginx_connections_writing)", "answering"),
            Query("sum(nginx_connections_waiting)", "idle"),
            size=(8, 7),
            stacked=True,
        ),
    ]
