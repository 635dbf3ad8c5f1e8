"""What an acceptance is measured by, as an admin wrote it before its first film was read.

A list that only grows; the last plan counts, if it is for the model in question.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import redis

from pneumonia_api.records import keys

SHOWN = 20
"""The last plans, of which a site writes one for each model."""


@dataclass(frozen=True)
class PlanRecord:
    """Of the version `model`, what is expected and the least that is accepted; by whom, when.

    Both are by name, sensitivity and specificity, from 0 to 1. X-rays that were sent after `at`
    (ISO 8601, UTC) count.
    """

    model: str
    expected: dict[str, float]
    least: dict[str, float]
    by: str
    at: str

    @property
    def since(self) -> datetime:
        """The moment from which films count."""
        return datetime.fromisoformat(self.at)


class Plans:
    """Reads and appends plans."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def list_all(self) -> list[PlanRecord]:
        """The last SHOWN, the newest first."""
        found = self._redis.lrange(keys.PLANS, -SHOWN, -1)
        return [PlanRecord(**json.loads(text)) for text in reversed(found)]

    def find_last(self) -> PlanRecord | None:
        """The last plan, whatever model it is for."""
        last = self._redis.lindex(keys.PLANS, -1)
        return PlanRecord(**json.loads(last)) if last else None

    def find(self, model: str) -> PlanRecord | None:
        """The last plan, if it is for this model: a new one needs an acceptance of its own."""
        plan = self.find_last()
        return plan if plan and plan.model == model else None

    def add(
        self,
        model: str,
        expected: Mapping[str, float],
        least: Mapping[str, float],
        *,
        by: str,
        at: datetime,
    ) -> None:
        """Append a plan; from `at` on its films count."""
        moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
        text = json.dumps(asdict(PlanRecord(model, dict(expected), dict(least), by, moment)))

        def append(pipe: redis.client.Pipeline) -> None:
            last = pipe.lindex(keys.PLANS, -1)
            pipe.multi()
            if last != text:  # else by an earlier attempt, whose reply was lost
                pipe.rpush(keys.PLANS, text)

        self._redis.transaction(append, keys.PLANS)
