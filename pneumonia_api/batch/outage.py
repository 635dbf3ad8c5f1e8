"""Waiting for Redis to come back, so that a restart or a failover does not end a run."""

from collections.abc import Callable
from typing import TypeVar

import redis
import tenacity
from tqdm import tqdm

WAIT_SECONDS = 900
"""The longest outage that a run survives. Far below the hour after which the workers may sweep
previews without a record: they are written before their records."""

Answer = TypeVar("Answer")


def retry_through_outage(operation: Callable[[], Answer]) -> Answer:
    """The result of `operation`, retried while Redis is unreachable, for up to WAIT_SECONDS.

    Prints one line when the outage begins, and one when it is over. `operation` must be idempotent:
    it may have been carried out although its reply was lost. Raises the last redis.RedisError when
    the outage lasts too long, and any other error at once.
    """
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_outage),
        wait=tenacity.wait_exponential(multiplier=0.5, max=5),
        stop=tenacity.stop_after_delay(WAIT_SECONDS),
        before_sleep=_report_outage,
        reraise=True,
    )
    answer = attempts(operation)
    if attempts.statistics["attempt_number"] > 1:
        tqdm.write("Redis answers again; going on.")
    return answer


def _is_outage(error: BaseException) -> bool:
    # redis-py derives AuthenticationError from ConnectionError, but waiting does not help.
    return isinstance(
        error, redis.ConnectionError | redis.TimeoutError | redis.ReadOnlyError
    ) and not isinstance(error, redis.AuthenticationError)


def _report_outage(state: tenacity.RetryCallState) -> None:
    if state.attempt_number == 1:
        tqdm.write("Redis does not answer; waiting for it, nothing is lost.")
