"""What an acceptance is measured by, as an admin wrote it before its first film was read.

A list that only grows; of the plans for the model in question the last one counts, and a plan for a
model alone is not one for the model with a site profile.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.moments import write_time
from pneumonia_api.records.profiles import name_judge

SHOWN = 20
"""The last plans, of which a site writes one for each model."""


@dataclass(frozen=True)
class PlanRecord:
    """Of the version `model`, what is expected and the least that is accepted; by whom, when.

    Both are by name, sensitivity and specificity, from 0 to 1. X-rays that were sent after `at`
    (ISO 8601, UTC) count, if `profile` decided them: the id of a site profile, or None for the
    model alone.
    """

    model: str
    expected: dict[str, float]
    least: dict[str, float]
    by: str
    at: str
    profile: str | None = None

    @property
    def judge(self) -> str:
        """What the plan is for, in one word (`profiles.name_judge`)."""
        return name_judge(self.model, self.profile)

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

    def find(self, model: str, profile: str | None = None) -> PlanRecord | None:
        """The last plan for this model and this site profile, whatever was planned for others.

        None for a new model or a new profile: each needs an acceptance of its own.
        """
        for text in reversed(self._redis.lrange(keys.PLANS, 0, -1)):
            plan = PlanRecord(**json.loads(text))
            if (plan.model, plan.profile) == (model, profile):
                return plan
        return None

    def add(
        self,
        model: str,
        expected: Mapping[str, float],
        least: Mapping[str, float],
        *,
        by: str,
        at: datetime,
        profile: str | None = None,
    ) -> None:
        """Append a plan; from `at` on its films count."""
        plan = PlanRecord(model, dict(expected), dict(least), by, write_time(at), profile)
        text = json.dumps(asdict(plan))

        def append(pipe: redis.client.Pipeline) -> None:
            last = pipe.lindex(keys.PLANS, -1)
            pipe.multi()
            if last != text:  # else by an earlier attempt, whose reply was lost
                pipe.rpush(keys.PLANS, text)

        self._redis.transaction(append, keys.PLANS)
