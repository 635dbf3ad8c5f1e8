"""What sends results, with pauses that a test can wait for."""

from pneumonia_api.results import tasks
from pneumonia_api.results.send_result import SendResult

SendResult.retry_backoff = 1
SendResult.retry_backoff_max = 1
tasks.TRANSPORT |= {"visibility_timeout": 6, "unacked_restore_interval": 1}


def __getattr__(name: str) -> object:
    return getattr(tasks, name)
