"""Redis for the commands of the acceptance, and one line for each fault that a person can fix."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis

from pneumonia_api.acceptance.archive import CannotAssess
from pneumonia_api.config import ConfigError, read_acceptance_config


@dataclass
class Outcome:
    """The exit status of a command; 1 after a fault."""

    status: int = 0


def open_redis(url: str | None) -> redis.Redis:
    """The Redis of `url`, or of the setting. Raises CannotAssess or ConfigError."""
    config = read_acceptance_config({"REDIS_URL": url} if url else {})
    try:
        return redis.Redis.from_url(
            config.redis_url, decode_responses=True, socket_connect_timeout=5, socket_timeout=10
        )
    except ValueError as error:
        raise CannotAssess(f"The Redis URL cannot be used: {error}") from error


@contextmanager
def report_faults() -> Iterator[Outcome]:
    """Print a fault of the block and note that there was one."""
    outcome = Outcome()
    try:
        yield outcome
    except (CannotAssess, ConfigError) as error:
        print(error, file=sys.stderr)
        outcome.status = 1
    except redis.RedisError as error:
        print(f"Redis: {error}.", file=sys.stderr)
        outcome.status = 1
