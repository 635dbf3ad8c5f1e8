"""The X-rays that one model judged since a moment, for the acceptance of that model."""

from collections.abc import Iterator
from datetime import datetime

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.lists import select_lists
from pneumonia_api.records.ranges import Range, merge
from pneumonia_api.records.record import XrayRecord, read_hash

CHUNK = 250


def list_judged(
    client: redis.Redis,
    model: str,
    since: datetime | None,
    limit: int,
    judge: str | None = None,
) -> Iterator[XrayRecord]:
    """Up to `limit` records with a prediction of the version `model`, the oldest first.

    Those that were sent before `since`, or are deleted, are left out; with `judge`
    (`profiles.name_judge`) also those that were decided otherwise.
    """
    ranges = [Range(name) for name in select_lists("done")]
    # An id begins with its time in milliseconds.
    after = f"{int(since.timestamp() * 1000):012x}" if since else None
    found = 0
    for ids in merge(client, ranges, [], after, CHUNK, oldest_first=True):
        with client.pipeline(transaction=False) as pipe:
            for xray_id in ids:
                pipe.hgetall(keys.xray(xray_id))
            records = [read_hash(values) for values in pipe.execute() if values]
        for xray in records:
            if xray.deletion or not xray.prediction or xray.prediction.model != model:
                continue
            if judge not in (None, xray.prediction.judge):
                continue
            if found == limit:
                return
            found += 1
            yield xray
