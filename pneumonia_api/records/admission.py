"""How many X-rays may wait, and how many of them for one caller."""

from collections import Counter

import redis

from pneumonia_api.auth import MACHINE

PARTS = 4
"""A person may have one part of the queue; for people there is one more, which no machine fills."""


class QueueFull(RuntimeError):
    """More X-rays wait than the workers will do in reasonable time."""


class ShareUsed(RuntimeError):
    """The caller has as many X-rays waiting as one of many may have."""


class Admission:
    """The way into the queue."""

    def __init__(self, client: redis.Redis, max_queued: int) -> None:
        self._redis = client
        part = max(max_queued // PARTS, 1)
        self._share = part
        self._for_machines = max_queued
        self._for_people = max_queued + part

    def check(self, caller: str) -> None:
        """Raises QueueFull or ShareUsed. Uploads at the same moment may pass together."""
        queued = int(self._redis.zcard("xrays:status:queued"))
        is_machine = caller == MACHINE
        if queued >= (self._for_machines if is_machine else self._for_people):
            raise QueueFull
        if is_machine or queued < self._share:
            return
        # One command for all records that wait, and only while there are many.
        sources = self._redis.sort("xrays:status:queued", by="nosort", get="xray:*->source")
        if Counter(sources)[caller] >= self._share:
            raise ShareUsed
