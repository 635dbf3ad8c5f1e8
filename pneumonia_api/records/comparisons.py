"""What readers answered before and after they saw the AI result, for the reader study."""

from collections.abc import Iterator
from dataclasses import dataclass

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.lists import select_lists
from pneumonia_api.records.outcomes import find_truth
from pneumonia_api.records.ranges import Range, merge
from pneumonia_api.records.readings import find_blind_readings
from pneumonia_api.records.record import XrayRecord, read_hash

MAX_XRAYS = 5000
"""The newest X-rays with a reading that are looked at: a third of a second's work for one page."""

CHUNK = 250


@dataclass(frozen=True)
class Comparison:
    """One reader's answers on one X-ray: labels `before` and `after` the AI result was shown.

    `advice` is the decision that the AI showed; `truth` the confirmed outcome, or None. Seconds are
    from the film's display to the answer, or None; `after` is `before` for who changed nothing.
    """

    reader: str
    before: str
    after: str
    advice: str
    truth: str | None
    seconds_before: float | None = None
    seconds_after: float | None = None


def compare(xray: XrayRecord) -> list[Comparison]:
    """Those of an X-ray; none where the AI showed no verdict that could help or mislead."""
    prediction, quality, scope = xray.prediction, xray.quality, xray.scope
    if not prediction or prediction.finding == "uncertain":
        return []
    if (quality and quality.warnings) or (scope and scope.out_of_scope):
        return []
    truth = find_truth(xray.outcomes)
    return [
        Comparison(
            each.reader,
            each.before,
            each.after,
            prediction.decision,
            truth,
            each.seconds_before,
            each.seconds_after,
        )
        for each in find_blind_readings(xray.readings)
    ]


def list_comparisons(client: redis.Redis, limit: int = MAX_XRAYS) -> list[Comparison]:
    """Those of the `limit` newest X-rays that have a reading and are not deleted."""
    return [each for xray in _list_read(client, limit) for each in compare(xray)]


def _list_read(client: redis.Redis, limit: int) -> Iterator[XrayRecord]:
    ranges = [Range(name) for name in select_lists("done", reviewed=True)]
    left = limit
    for merged in merge(client, ranges, [], None, min(limit, CHUNK)):
        ids = merged[:left]
        left -= len(ids)
        with client.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hgetall(keys.xray(xray_id))
            found = [read_hash(values) for values in pipe.execute() if values]
        yield from (xray for xray in found if not xray.deletion)
        if not left:
            return
