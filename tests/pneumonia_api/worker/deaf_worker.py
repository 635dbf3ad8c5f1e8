"""A worker whose consumer stops listening as soon as it is ready, for tests."""

from typing import Any

from celery import signals

from pneumonia_api.config import read_worker_config
from pneumonia_api.worker import deafness, tasks

deafness.DEAF_SECONDS = 3.0
app = tasks.create_worker(read_worker_config())


@signals.worker_ready.connect(weak=False)
def stop_listening(sender: Any, **_: object) -> None:
    """As after the faults of Celery: the loop goes round, and nothing is read from the queue."""
    sender.task_consumer.cancel()
