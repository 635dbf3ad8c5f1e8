"""A worker's drawing thread beside the API of a test, on the same Redis and image store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from pneumonia_api.records.images import ImageStore
from pneumonia_api.worker.reporting import keep_drawing


@contextmanager
def drawing(client: redis.Redis, images: ImageStore) -> Iterator[None]:
    """Until the end of the block, what is ordered is drawn."""
    ended = threading.Event()
    thread = threading.Thread(target=keep_drawing, args=(client, images, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=10)
        assert not thread.is_alive()
