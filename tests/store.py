"""The Redis of a running system, for tests that look behind the pages."""

import redis
from dotenv import dotenv_values

from tests.stack import Stack


def connect(stack: Stack) -> redis.Redis:
    """The records and sessions themselves, as text."""
    url = str(dotenv_values(stack.var / "env")["REDIS_URL"])
    return redis.Redis.from_url(url, decode_responses=True)
