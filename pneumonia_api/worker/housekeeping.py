"""What a worker does beside its task: show that it lives, find what was stranded, clear away."""

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from pneumonia_api.records.deliveries import Deliveries
from pneumonia_api.records.images import ImageStore, ImageStoreUnavailable
from pneumonia_api.records.publishing import publish
from pneumonia_api.records.xrays import HEARTBEAT_SECONDS, XrayStore

log = logging.getLogger(__name__)

STRANDED_SECONDS = 15
"""Older than an upload whose request is still about to publish it."""

LOOK_SECONDS = 10
"""How often one worker of all looks for stranded X-rays."""

ORPHAN_SECONDS = 3600
"""Far longer than any request between writing an image and its record."""

SWEEP_SECONDS = 3600

# As `new_xray` makes ids: the time, in milliseconds, comes first. Other files are not ours.
_OURS = re.compile(r"(?:incoming|previews)/(?P<id>[0-9a-f]{32})(?P<ending>.*)")


def keep_house(
    worker: str,
    describe: Callable[[], dict[str, Any]],
    xrays: XrayStore,
    deliveries: Deliveries,
    queue: Celery,
    ended: threading.Event,
) -> None:
    """Until `ended`: beat, for this worker and for what it holds, and see to what others lost.

    After `ended`, what it still holds keeps its lease until the last task returns.

    Stranded X-rays are published again, and each model that `describe` comes to name is announced.

    Redis may be away at any time, also at the start: it is tried again at the next beat.
    """
    announced = None
    while not ended.is_set():
        try:
            model = describe()
            if model["version"] != announced:
                xrays.announce_model(model)
                announced = model["version"]
            xrays.beat(worker)
            deliveries.extend()
            if xrays.take_turn("republish", LOOK_SECONDS):
                publish_stranded(deliveries, queue)
        except (redis.RedisError, OperationalError) as error:
            log.warning("Redis does not answer: %s", error)
        ended.wait(HEARTBEAT_SECONDS / 3)
    try:
        xrays.stop_beating(worker)
    except redis.RedisError as error:
        log.warning("Redis does not answer, so the last beat expires by itself: %s", error)
    # A worker that was asked to end finishes what it has begun, which may outlast a lease.
    while deliveries.list_held():
        try:
            deliveries.extend()
        except redis.RedisError as error:
            log.warning("Redis does not answer: %s", error)
        time.sleep(HEARTBEAT_SECONDS / 3)


def publish_stranded(deliveries: Deliveries, queue: Celery) -> None:
    """Publish again what was accepted and that no worker and no queue holds."""
    for xray_id in deliveries.find_stranded(STRANDED_SECONDS):
        log.warning("publishing %s again", xray_id)
        publish(queue, xray_id)
        deliveries.mark_published([xray_id])


def keep_images_clean(xrays: XrayStore, images: ImageStore, ended: threading.Event) -> None:
    """Sweep at the start and then every hour, one worker of all, until `ended`.

    In a thread of its own: listing a large store takes longer than a beat may be late.
    """
    while not ended.is_set():
        try:
            if xrays.take_turn("sweep", SWEEP_SECONDS):
                sweep(xrays, images)
        except (redis.RedisError, ImageStoreUnavailable) as error:
            log.warning("the image store was not swept: %s", error)
        ended.wait(60)


def sweep(xrays: XrayStore, images: ImageStore) -> None:
    """Delete images older than ORPHAN_SECONDS that no record needs.

    An upload is needed while its record is queued, a preview as long as there is a record. A Redis
    without any record is rather the wrong one than a worklist that was emptied: then all stays.
    """
    before = f"{int((time.time() - ORPHAN_SECONDS) * 1000):012x}"
    old = [
        found
        for name in images.list_names()
        if (found := _OURS.fullmatch(name)) and found["id"] < before
    ]
    if not old or xrays.is_empty():
        return
    statuses = xrays.read_statuses(sorted({found["id"] for found in old}))
    orphans = [
        found.string
        for found in old
        if (status := statuses.get(found["id"])) != "queued"
        and not (status and found["ending"] == ".jpg")
    ]
    for name in orphans:
        images.delete(name)
    if orphans:
        log.warning("deleted %d images that no record needed", len(orphans))
