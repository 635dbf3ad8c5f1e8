"""Removes what is older than the site keeps: record, preview and film of an X-ray together."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

import redis

from pneumonia_api.audit.events import SYSTEM, Action, Event, record
from pneumonia_api.records import keys
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayMissing
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.metrics import EXPIRED

log = logging.getLogger(__name__)

CHUNK = 500
"""Ids that are read at once."""


def forget_old(client: redis.Redis, images: ImageStore, days: int, now: datetime) -> int:
    """Remove the X-rays that were sent more than `days` ago; how many. With 0 days none ever is.

    The images go first: until the record is removed, the next call finds it and does the rest. One
    that still waits in the queue stays until it has ended. One that was deleted is in no list, and
    goes by the time until which it can be restored, which is sooner.
    """
    if not days:
        return 0
    xrays, count = XrayStore(client), 0
    for xray_id in _list_before(client, now - timedelta(days=days)):
        try:
            xray = xrays.get(xray_id)
        except XrayMissing:
            continue  # deleted meanwhile, or an entry without a record, which `stale` removes
        if xray.status == "queued":
            continue
        images.delete_pictures(xray_id)
        images.delete_incoming(xray_id)
        xrays.delete(xray)
        record(client, Event(Action.REMOVE_OLD, SYSTEM, xray=xray_id))
        EXPIRED.inc()
        count += 1
    if count:
        log.info("removed %d X-rays that were sent more than %d days ago", count, days)
    return count


def _list_before(client: redis.Redis, moment: datetime) -> Iterator[str]:
    """The ids of all X-rays that were sent before, the oldest first: an id begins with its time."""
    after, end = "-", f"({int(moment.timestamp() * 1000):012x}"
    while ids := client.zrange(keys.XRAYS, after, end, bylex=True, offset=0, num=CHUNK):
        yield from ids
        after = f"({ids[-1]}"
