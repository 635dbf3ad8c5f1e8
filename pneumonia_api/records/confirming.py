"""Appends confirmed outcomes to judged X-rays."""

from dataclasses import replace
from datetime import datetime

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.moments import write_time
from pneumonia_api.records.outcomes import OutcomeRecord, write_outcome
from pneumonia_api.records.record import XrayMissing, XrayRecord, read_hash

MAX_OUTCOMES = 20
"""Of one X-ray, far more than anybody corrects it."""


class NotConfirmable(RuntimeError):
    """The record has no prediction that an outcome could be compared with."""


class TooManyOutcomes(RuntimeError):
    """The X-ray has MAX_OUTCOMES entries."""


class Outcomes:
    """Appends outcomes."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def append(self, xray_id: str, label: str, basis: str, *, by: str, at: datetime) -> XrayRecord:
        """Append an outcome, unless it repeats the last one; returns the record with it.

        Raises XrayMissing, NotConfirmable or TooManyOutcomes.
        """
        key = keys.xray(xray_id)
        moment = write_time(at)
        new = OutcomeRecord(label, basis, by, moment)

        def append(pipe: redis.client.Pipeline) -> XrayRecord:
            values = pipe.hgetall(key)
            xray = read_hash(values) if values else None
            if xray is None or xray.deletion:
                raise XrayMissing(xray_id)
            if not xray.prediction:
                raise NotConfirmable(xray_id)
            last = xray.outcomes[-1] if xray.outcomes else None
            if last and (last.label, last.basis, last.by) == (label, basis, by):
                return xray
            if len(xray.outcomes) >= MAX_OUTCOMES:
                raise TooManyOutcomes(xray_id)
            pipe.multi()
            pipe.hset(key, mapping=write_outcome(len(xray.outcomes) + 1, new))
            return replace(xray, outcomes=(*xray.outcomes, new))

        confirmed: XrayRecord = self._redis.transaction(append, key, value_from_callable=True)
        return confirmed
