"""What admins stated of the site: a list that only grows, so that it says who stated what."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import redis

from pneumonia_api.records import keys

SHOWN = 20
"""The last statements, of a number that changes once in years."""


@dataclass(frozen=True)
class PrevalenceRecord:
    """Of 100 patients who are X-rayed here, how many have pneumonia; who said so, and when."""

    percent: float
    by: str
    at: str


class Site:
    """Reads and appends statements."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def list_prevalences(self) -> list[PrevalenceRecord]:
        """The last SHOWN, the one that counts first."""
        found = self._redis.lrange(keys.PREVALENCE, -SHOWN, -1)
        return [PrevalenceRecord(**json.loads(text)) for text in reversed(found)]

    def set_prevalence(self, percent: float, *, by: str, at: datetime) -> None:
        """Append a statement."""
        moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
        text = json.dumps(asdict(PrevalenceRecord(percent, by, moment)))

        def append(pipe: redis.client.Pipeline) -> None:
            last = pipe.lindex(keys.PREVALENCE, -1)
            pipe.multi()
            if last != text:  # else by an earlier attempt, whose reply was lost
                pipe.rpush(keys.PREVALENCE, text)

        self._redis.transaction(append, keys.PREVALENCE)
