"""What admins stated of the site: lists that only grow, so that they say who stated what."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.moments import write_time

SHOWN = 20
"""The last statements, of what changes once in years."""


@dataclass(frozen=True)
class PrevalenceRecord:
    """Of 100 patients who are X-rayed here, how many have pneumonia; who said so, and when."""

    percent: float
    by: str
    at: str


@dataclass(frozen=True)
class SilenceRecord:
    """Whether silent weeks began or ended; who said so, and when (ISO 8601, UTC).

    In silent weeks the model judges, and people are shown nothing of what it says.
    """

    silent: bool
    by: str
    at: str


@dataclass(frozen=True)
class RequirementRecord:
    """Whether everybody needs a second factor to log in; who said so, and when."""

    required: bool
    by: str
    at: str


Statement = TypeVar("Statement", PrevalenceRecord, SilenceRecord, RequirementRecord)


class Site:
    """Reads and appends statements."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def list_prevalences(self) -> list[PrevalenceRecord]:
        """The last SHOWN, the one that counts first."""
        return self._list(keys.PREVALENCE, PrevalenceRecord)

    def set_prevalence(self, percent: float, *, by: str, at: datetime) -> None:
        """Append a statement."""
        self._append(keys.PREVALENCE, PrevalenceRecord(percent, by, write_time(at)))

    def list_silences(self) -> list[SilenceRecord]:
        """The last SHOWN, the one that counts first."""
        return self._list(keys.SILENCE, SilenceRecord)

    def is_silent(self) -> bool:
        """Whether the site is in silent weeks now."""
        last = self._redis.lindex(keys.SILENCE, -1)
        return bool(last and json.loads(last)["silent"])

    def set_silent(self, silent: bool, *, by: str, at: datetime) -> None:
        """Append a statement, unless it changes nothing."""
        if silent != self.is_silent():
            self._append(keys.SILENCE, SilenceRecord(silent, by, write_time(at)))

    def list_requirements(self) -> list[RequirementRecord]:
        """The last SHOWN, the one that counts first."""
        return self._list(keys.REQUIREMENT, RequirementRecord)

    def requires_factor(self) -> bool:
        """Whether everybody needs a second factor now."""
        return read_requirement(self._redis.lindex(keys.REQUIREMENT, -1))

    def set_requirement(self, required: bool, *, by: str, at: datetime) -> None:
        """Append a statement, unless it changes nothing."""
        if required != self.requires_factor():
            record = RequirementRecord(required, by, write_time(at))
            self._append(keys.REQUIREMENT, record)

    def _list(self, key: str, kind: type[Statement]) -> list[Statement]:
        found = self._redis.lrange(key, -SHOWN, -1)
        return [kind(**json.loads(text)) for text in reversed(found)]

    def _append(
        self, key: str, statement: PrevalenceRecord | SilenceRecord | RequirementRecord
    ) -> None:
        text = json.dumps(asdict(statement))

        def append(pipe: redis.client.Pipeline) -> None:
            last = pipe.lindex(key, -1)
            pipe.multi()
            if last != text:  # else by an earlier attempt, whose reply was lost
                pipe.rpush(key, text)

        self._redis.transaction(append, key)


def read_requirement(last: str | None) -> bool:
    """Whether the last statement of a second factor requires one."""
    return bool(last and json.loads(last)["required"])
