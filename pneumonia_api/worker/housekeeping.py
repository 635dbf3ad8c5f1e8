"""What a worker does besides its tasks: heartbeats, stranded X-rays, orphaned images, upgrades."""

import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import redis
from celery import Celery

from pneumonia_api.audit.events import SYSTEM, Action, Event, record
from pneumonia_api.records.deletions import forget, list_expired
from pneumonia_api.records.deliveries import Deliveries
from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.publishing import count_tasks, publish
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.stale import remove_stale
from pneumonia_api.records.turns import take_turn
from pneumonia_api.records.upgrade import upgrade_batch
from pneumonia_api.records.workers import HEARTBEAT_SECONDS, Workers
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.deafness import ConsumerWatch, end_process
from pneumonia_api.worker.retention import forget_old

log = logging.getLogger(__name__)

STRANDED_SECONDS = 15
"""Longer than the API takes from storing a record to publishing its task."""

LOOK_SECONDS = 10
"""How often one of the workers looks for stranded X-rays."""

ORPHAN_SECONDS = 3600
"""Far longer than any request takes from storing an image to storing its record."""

SWEEP_SECONDS = 3600
TRY_SWEEP_SECONDS = 60

SETTLE_SECONDS = 600
"""How long a worker leaves the lists of the previous release to the hosts that still run it."""

UPGRADE_SECONDS = 60
"""How long one of the workers moves records before any may take the turn."""

UPGRADE_PAUSE_SECONDS = 0.05
"""Between two batches, so that moving a million records delays no upload noticeably."""

STALE_SECONDS = 24 * 3600
"""How often one of the workers removes what hosts of the previous release left in the indexes."""

# Names with an id of `new_xray`, which begins with its time in milliseconds; the sweep ignores all
# other files.
_IMAGE = re.compile(r"(?:incoming|previews|films)/(?P<id>[0-9a-f]{32})(?P<ending>.*)")


def keep_house(
    name: str,
    describe: Callable[[], dict[str, Any]],
    client: redis.Redis,
    deliveries: Deliveries,
    queue: Celery,
    ended: threading.Event,
) -> None:
    """Until `ended`, three times in HEARTBEAT_SECONDS: beat, extend leases, announce the model.

    `name` is this worker's, and `describe` returns the metadata of the model that it serves. One
    worker at a time publishes stranded X-rays again. After `ended`, leases are extended until the
    last task returns. Redis may be unreachable at any time, even at the start; the next beat
    retries. A worker that takes none of the tasks that wait ends its process.
    """
    workers, served, watch = Workers(client), ServedModel(client), ConsumerWatch(deliveries)
    announced = None
    while not ended.is_set():
        try:
            model = describe()
            if model["version"] != announced:
                if model["version"] != served.get_version():  # not each start of a worker
                    about = str(model["version"])
                    record(client, Event(Action.SWITCH_MODEL, SYSTEM, about=about))
                served.announce(model)
                announced = model["version"]
            workers.beat(name)
            deliveries.extend()
            if take_turn(client, "republish", LOOK_SECONDS):
                publish_stranded(client, deliveries, queue)
            if watch.is_deaf(waiting := count_tasks(client)):
                end_process(waiting)
        except redis.RedisError as error:
            log.warning("Redis does not answer: %s", error)
        ended.wait(HEARTBEAT_SECONDS / 3)
    try:
        workers.stop_beating(name)
    except redis.RedisError as error:
        log.warning("Redis does not answer, so the last heartbeat expires: %s", error)
    # A worker that is shutting down finishes its tasks, which may outlast a lease.
    while deliveries.list_held():
        try:
            deliveries.extend()
        except redis.RedisError as error:
            log.warning("Redis does not answer: %s", error)
        time.sleep(HEARTBEAT_SECONDS / 3)


def publish_stranded(client: redis.Redis, deliveries: Deliveries, queue: Celery) -> None:
    """Publish again the accepted X-rays that are neither in the queue nor with a worker."""
    for xray_id in deliveries.find_stranded(STRANDED_SECONDS):
        log.warning("publishing %s again", xray_id)
        publish(client, queue, xray_id)
        deliveries.mark_published([xray_id])


def keep_images_clean(
    client: redis.Redis,
    images: ImageStore,
    queue: Celery,
    ended: threading.Event,
    keeps_films: bool = True,
    retention_days: int = 0,
) -> None:
    """Sweep at the start and then every hour, on one of the workers, until `ended`.

    Runs in its own thread, because listing a large store would delay the heartbeat. X-rays are kept
    for `retention_days`; with 0 for ever.
    """
    while not ended.is_set():
        try:
            if take_turn(client, "sweep", SWEEP_SECONDS):
                forget_deleted(client, images)
                forget_old(client, images, retention_days, datetime.now(UTC))
                sweep(client, images, queue, keeps_films=keeps_films)
        except (redis.RedisError, ImageStoreUnavailable) as error:
            log.warning("the image store was not swept: %s", error)
        ended.wait(TRY_SWEEP_SECONDS)


def forget_deleted(client: redis.Redis, images: ImageStore) -> None:
    """Remove the records and images of deleted X-rays that can no longer be restored.

    The images go first: until the record is removed, the next call finds it and does the rest.
    """
    expired = list_expired(client, datetime.now(UTC))
    for xray_id in expired:
        images.delete_pictures(xray_id)
        images.delete_incoming(xray_id)
        forget(client, xray_id)
        record(client, Event(Action.REMOVE_DELETED, SYSTEM, xray=xray_id))
    if expired:
        log.info("removed %d deleted X-rays for good", len(expired))


def sweep(
    client: redis.Redis, images: ImageStore, queue: Celery, *, keeps_films: bool = True
) -> None:
    """Delete images older than ORPHAN_SECONDS that no record needs.

    An upload is needed while its record is queued, a preview as long as its record exists, and so
    is a film, unless the site has decided meanwhile that none is kept. An upload whose record is
    done is left to its task, which is published again: its preview may not have reached the disk,
    or its film is missing. When Redis has no records at all, nothing is deleted: it is more likely
    the wrong Redis than a worklist that was emptied.
    """
    xrays = XrayStore(client)
    before = f"{int((time.time() - ORPHAN_SECONDS) * 1000):012x}"
    old = [
        found
        for file in images.list_names()
        if (found := _IMAGE.fullmatch(file)) and found["id"] < before
    ]
    if not old or xrays.is_empty():
        return
    statuses = xrays.read_statuses(sorted({found["id"] for found in old}))
    kept = (".jpg", ".png") if keeps_films else (".jpg",)
    orphans = []
    for found in old:
        status = statuses.get(found["id"])
        if found["ending"] == "" and status == "done":
            log.warning("publishing %s again to complete it", found["id"])
            publish(client, queue, found["id"])
        elif status != "queued" and not (status and found["ending"] in kept):
            orphans.append(found.string)
    for orphan in orphans:
        images.delete(orphan)
    if orphans:
        log.warning("deleted %d orphaned images", len(orphans))


def keep_upgrading(client: redis.Redis, ended: threading.Event) -> None:
    """Until `ended`, move what the previous release wrote, and remove entries that it left behind.

    One of the workers at a time does it. Begins after SETTLE_SECONDS: meanwhile, hosts are upgraded
    one after another, and those of the previous release find their records by the lists that are
    then emptied.
    """
    ended.wait(SETTLE_SECONDS)
    while not ended.is_set():
        try:
            if take_turn(client, "upgrade", UPGRADE_SECONDS):
                upgrade_for_a_turn(client, ended)
            if take_turn(client, "stale", STALE_SECONDS):
                removed = remove_stale(client, lambda: ended.wait(UPGRADE_PAUSE_SECONDS))
                log.info("removed %d index entries that no record has", removed)
        except redis.RedisError as error:
            log.warning("Redis does not answer, so the indexes stay as they are: %s", error)
        ended.wait(UPGRADE_SECONDS)


def upgrade_for_a_turn(client: redis.Redis, ended: threading.Event) -> None:
    """Move records until none is left, `ended` is set, or the turn is over."""
    turn_ends, moved = time.monotonic() + UPGRADE_SECONDS, 0
    while time.monotonic() < turn_ends and (batch := upgrade_batch(client)):
        moved += batch
        if ended.wait(UPGRADE_PAUSE_SECONDS):
            break
    if moved:
        log.info("moved %d records of the previous release to the new indexes", moved)
