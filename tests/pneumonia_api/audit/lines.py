"""What is in the stream of the audit."""

import redis

from pneumonia_api.records import keys


def read_events(client: redis.Redis) -> list[dict[str, str]]:
    """All entries, oldest first, without their ids."""
    return [fields for _, fields in client.xrange(keys.AUDIT)]


def list_actions(client: redis.Redis) -> list[tuple[str, str, str]]:
    """Who did what, and how it ended."""
    return [(each["who"], each["action"], each["outcome"]) for each in read_events(client)]
