"""Metrics of queue, worklist and reviews, read from Redis at each scrape of the API.

Every API host reports the same values.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import redis
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.backoff import NoBackoff
from redis.retry import Retry

from monitoring.metrics.gauges import GaugeKind
from pneumonia_api.records import keys
from pneumonia_api.records.lists import select_lists, select_previous_lists
from pneumonia_api.records.plans import Plans
from pneumonia_api.records.profiles import STATES, Profiles
from pneumonia_api.records.record import STATUSES
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.workers import Workers

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.5
"""Timeout of each call to Redis, so that the scrape itself does not time out."""

REVIEW_WEEKS = 8

WAITING = GaugeKind("pneumonia_queue_waiting", "Tasks in the queue that no worker has.")
IN_FLIGHT = GaugeKind("pneumonia_queue_in_flight", "Tasks in the hands of workers.")
OLDEST = GaugeKind(
    "pneumonia_queue_oldest_seconds", "Age of the oldest X-ray that waits; 0 when none does."
)
WORKERS = GaugeKind("pneumonia_queue_workers", "Workers that are warm and alive.")
XRAYS = GaugeKind(
    "pneumonia_xrays", "Records, by status: queued, done, rejected or failed.", ("status",)
)
REVIEWS = GaugeKind(
    "pneumonia_reviews",
    "Reviews of the last eight ISO weeks (UTC), by the week of the review, the model (with a site "
    "profile MODEL+PROFILE), the decision and the clinician's label: pneumonia, normal or unsure.",
    ("week", "model", "decision", "label"),
)
BLIND = GaugeKind(
    "pneumonia_blind_readings",
    "Readings of the last eight ISO weeks (UTC) by people who had not seen the AI result, by the "
    "week, the model, its decision, their label before they saw it, and the one that stands now.",
    ("week", "model", "decision", "before", "after"),
)
LEAST = GaugeKind(
    "pneumonia_acceptance_least",
    "The least sensitivity and specificity that the site's plan for what decides now accepts, from "
    "0 to 1, by the model, or MODEL+PROFILE with a site profile, that the plan is for.",
    ("model", "figure"),
)
PROFILE = GaugeKind(
    "pneumonia_site_profile",
    f"1 for what is switched on as a site profile: {', '.join(STATES)}. The last two decide "
    "nothing, and the model alone decides; absent until a worker has announced a model.",
    ("state",),
)


AUDIT_LINES = GaugeKind("pneumonia_audit_lines", "Lines of the audit that were written.")
AUDIT_WAITING = GaugeKind(
    "pneumonia_audit_waiting_seconds",
    "Age of the oldest entry of the audit that is no line yet; 0 when none waits.",
)
AUDIT_FAULTS = GaugeKind(
    "pneumonia_audit_faults",
    "Faults that the last check of the audit's files found: lines cut, changed, inserted or moved. "
    "Absent until the first check.",
)
RESULTS = GaugeKind(
    "pneumonia_results",
    "Results that the PACS does not have: pending, which are tried again, or refused by it for "
    "good. 0 where none are sent.",
    ("status",),
)
OLDEST_RESULT = GaugeKind(
    "pneumonia_results_oldest_seconds",
    "Since when the oldest result is pending; 0 when none is.",
)


class StoreMetrics(Collector):
    """Gauges of what is in Redis; absent while Redis does not respond."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url

    def collect(self) -> Iterable[Metric]:
        """Read everything in a few round trips, on a new connection.

        A pooled connection is stale after a restart of Redis, and there is no time for a retry.
        """
        try:
            with redis.Redis.from_url(
                self._url,
                decode_responses=True,
                socket_connect_timeout=ANSWER_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 0),
            ) as client:
                return _read(client)
        except redis.RedisError as error:
            log.warning("no metrics of queue and reviews: Redis fails (%s)", type(error).__name__)
            return []


def _read(client: redis.Redis) -> list[Metric]:
    weeks = list_weeks(datetime.now(UTC).date())
    lists = {status: (*select_lists(status), *select_previous_lists(status)) for status in STATUSES}
    with client.pipeline(transaction=False) as pipe:
        pipe.llen(keys.QUEUE)
        pipe.hlen(keys.UNACKED)
        pipe.zrange(keys.status("queued"), 0, 0)
        for name in (name for names in lists.values() for name in names):
            pipe.zcard(name)
        for key in (keys.reviews, keys.blind):
            for week in weeks:
                pipe.hgetall(key(week))
        waiting, in_flight, oldest, *more = pipe.execute()
    reviews, blind = more[-2 * len(weeks) : -len(weeks)], more[-len(weeks) :]
    sizes = iter(more)
    counts = {status: sum(next(sizes) for _ in names) for status, names in lists.items()}
    # An id begins with its creation time in milliseconds.
    age = max(0.0, time.time() - int(oldest[0][:12], 16) / 1000) if oldest else 0.0
    return [
        WAITING.show({(): waiting}),
        IN_FLIGHT.show({(): in_flight}),
        OLDEST.show({(): age}),
        WORKERS.show({(): Workers(client).count()}),
        XRAYS.show({(status,): count for status, count in counts.items()}),
        REVIEWS.show(_by_week(weeks, reviews)),
        BLIND.show(_by_week(weeks, blind)),
        *_read_results(client),
        *_read_acceptance(client),
        *_read_audit(client),
    ]


def _read_results(client: redis.Redis) -> list[Metric]:
    with client.pipeline(transaction=False) as pipe:
        pipe.zcard(keys.PENDING_RESULTS)
        pipe.zcard(keys.REFUSED_RESULTS)
        pipe.zrange(keys.PENDING_RESULTS, 0, 0, withscores=True)
        pending, refused, oldest = pipe.execute()
    age = max(0.0, time.time() - oldest[0][1]) if oldest else 0.0
    return [
        RESULTS.show({("pending",): pending, ("refused",): refused}),
        OLDEST_RESULT.show({(): age}),
    ]


def _read_acceptance(client: redis.Redis) -> list[Metric]:
    version = ServedModel(client).get_version()
    if version is None:
        return [LEAST.show({}), PROFILE.show({})]
    active = Profiles(client).read_active(version)
    plan = Plans(client).find(version, active.profile.id if active.profile else None)
    least: dict[tuple[str, ...], float] = (
        {(plan.judge, name): each for name, each in plan.least.items()} if plan else {}
    )
    return [
        LEAST.show(least),
        PROFILE.show({(state,): int(state == active.state) for state in STATES}),
    ]


def _read_audit(client: redis.Redis) -> list[Metric]:
    values = client.hgetall(keys.AUDIT_HEAD)
    written = values.get("entry", "0-0")
    waiting = client.xrange(keys.AUDIT, min=f"({written}", count=1)
    # An id begins with its time in milliseconds.
    age = max(0.0, time.time() - int(waiting[0][0].partition("-")[0]) / 1000) if waiting else 0.0
    return [
        AUDIT_LINES.show({(): int(values.get("seq", 0))}),
        AUDIT_WAITING.show({(): age}),
        AUDIT_FAULTS.show({(): int(values["faults"])} if "faults" in values else {}),
    ]


def _by_week(
    weeks: Sequence[str], counts: Sequence[Mapping[str, str]]
) -> dict[tuple[str, ...], int]:
    return {
        (week, *field.split(" ")): int(count)
        for week, found in zip(weeks, counts, strict=True)
        for field, count in found.items()
    }


def list_weeks(today: date) -> list[str]:
    """The current ISO week and the REVIEW_WEEKS - 1 before it, such as 2026-W48."""
    days = [today - timedelta(weeks=back) for back in range(REVIEW_WEEKS)]
    return [f"{day.isocalendar().year}-W{day.isocalendar().week:02}" for day in days]
