"""The queue of those who only publish: API, worker's timer, scoring by `--celery`."""

from celery import Celery

from pneumonia_api.store import QUEUE, TASK


def create_queue(redis_url: str) -> Celery:
    """A Celery app that publishes and gives up soon: the sender may try again."""
    return Celery(
        broker=redis_url,
        broker_connection_timeout=2,
        task_publish_retry_policy={"max_retries": 1},
    )


def publish(queue: Celery, xray_id: str) -> None:
    """Ask the workers to judge an X-ray; twice is harmless, a finished record stays as it is.

    Raises kombu's OperationalError, or redis.RedisError, when Redis is away.
    """
    queue.send_task(TASK, (xray_id,), queue=QUEUE, ignore_result=True)
