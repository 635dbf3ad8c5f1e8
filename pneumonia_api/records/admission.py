"""How many X-rays may wait: in all, and for one caller."""

from collections import Counter

import redis

from pneumonia_api.records import keys
from pneumonia_api.roles import is_program

PARTS = 4
"""One person may fill one part of the queue; one more part is reserved for people."""


class QueueFull(RuntimeError):
    """More X-rays wait than the workers can judge in reasonable time."""


class ShareUsed(RuntimeError):
    """The caller has used up their share of a busy queue."""


class Admission:
    """Decides whether one more X-ray may wait."""

    def __init__(self, client: redis.Redis, max_queued: int) -> None:
        self._redis = client
        part = max(max_queued // PARTS, 1)
        self._share = part
        self._for_machines = max_queued
        self._for_people = max_queued + part

    def check(self, caller: str) -> None:
        """Raises QueueFull or ShareUsed. Concurrent uploads may exceed the limits slightly."""
        queued = int(self._redis.zcard(keys.status("queued")))
        by_program = is_program(caller)
        if queued >= (self._for_machines if by_program else self._for_people):
            raise QueueFull
        if by_program or queued < self._share:
            return
        # One command for all waiting records, and only when there are many.
        sources = self._redis.sort(
            keys.status("queued"), by="nosort", get=f"{keys.xray('*')}->source"
        )
        if Counter(sources)[caller] >= self._share:
            raise ShareUsed
