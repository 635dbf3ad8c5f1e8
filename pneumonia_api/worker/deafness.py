"""Ends a worker that no longer takes tasks.

Celery's consumer has stopped for good in several releases after its connection to Redis had been
lost (github.com/celery/celery/issues/8091), and `acknowledging` mends one more way. The process
lives on and beats, so to everybody else it looks well; whatever the cause, this ends it.
"""

import logging
import os
import time

from pneumonia_api.records.deliveries import Deliveries

log = logging.getLogger(__name__)

GAP_SECONDS = 10.0
"""Three heartbeats. After a longer gap, Redis was away or this process was suspended, and its
consumer had no chance either."""

DEAF_SECONDS = 60.0
"""Longer than the consumer pauses before it tries to connect again (30 s at most), and than a task
that waits for its next try keeps its place (16 s)."""


class ConsumerWatch:
    """Notices that tasks wait while this worker begins none."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._waiting_since: float | None = None
        self._looked_at = time.monotonic()

    def is_deaf(self, waiting: int) -> bool:
        """Whether tasks have waited for DEAF_SECONDS without this worker beginning one.

        `waiting` is how many wait now; call it at every heartbeat.
        """
        now = time.monotonic()
        gap, self._looked_at = now - self._looked_at, now
        if waiting == 0 or self._deliveries.list_held():
            self._waiting_since = None
            return False
        if self._waiting_since is None or gap > GAP_SECONDS:
            self._waiting_since = now
        return now - max(self._waiting_since, self._deliveries.begun_at) > DEAF_SECONDS


def end_process(waiting: int) -> None:
    """End this process at once; its supervisor starts another.

    Not by a signal: Celery handles those in the very loop that may hang. Nothing is lost, because
    the worker holds no task that it has begun.
    """
    log.critical(
        "ends to be started again: it took none of the %d waiting tasks for %.0f s",
        waiting,
        DEAF_SECONDS,
    )
    logging.shutdown()
    os._exit(1)
