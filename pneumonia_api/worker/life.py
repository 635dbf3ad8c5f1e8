"""Start of a worker, and supervision of the threads that run alongside its tasks."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from celery import bootsteps

from model.cage.pool import CageLost
from model.serving.artifact import ArtifactError
from pneumonia_api.records.publishing import TASK
from pneumonia_api.worker.metrics import MODEL, THREAD_ERRORS

log = logging.getLogger(__name__)

RESTART_SECONDS = 5.0
"""Pause before a crashed thread is restarted; half the lifetime of a heartbeat."""


class LoadModel(bootsteps.StartStopStep):
    """Opens the model and the cage before the worker takes its first task.

    A bootstep, because an error in a bootstep ends the worker, while Celery only logs one in a
    signal handler; and a worker without a model would fail every X-ray. The consumer, which takes
    tasks, is the last bootstep.
    """

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._app = parent.app

    def start(self, parent: Any) -> None:
        """Raises SystemExit with one sentence when the cage or the model cannot be opened."""
        del parent
        task = self._app.tasks[TASK]
        try:
            task.cage.start()  # in parallel with loading the model
            predictor = self._app.models.open_first()
            task.cage.check()
        except ArtifactError as error:
            raise SystemExit(f"The worker has no model to serve: {error}") from error
        except CageLost as error:
            raise SystemExit(
                "The processes that read X-rays cannot be started; the lines above say why."
            ) from error
        task.predictor = predictor
        MODEL.set(predictor.artifact, predictor.precision)


def report_thread_error(error: threading.ExceptHookArgs) -> None:
    """Log and count the error that ended a thread; a `threading.excepthook`."""
    name = error.thread.name if error.thread else "unknown"
    THREAD_ERRORS.labels(name).inc()
    exc_info = (error.exc_type, error.exc_value or error.exc_type(), error.exc_traceback)
    log.critical("unforeseen error in the thread %s", name, exc_info=exc_info)


def keep_running(
    work: Callable[..., None],
    arguments: tuple[Any, ...],
    ended: threading.Event,
    pause: float = RESTART_SECONDS,
) -> None:
    """Run `work` in a thread until it returns or `ended` is set; restart it when it crashes.

    Otherwise a crashed heartbeat, sweep or model switch would go unnoticed while the worker judges
    on. `report_thread_error` logs and counts the error.
    """
    returned = threading.Event()

    def run() -> None:
        work(*arguments)
        returned.set()

    def watch() -> None:
        while not (returned.is_set() or ended.is_set()):
            thread = threading.Thread(target=run, name=work.__name__, daemon=True)
            thread.start()
            thread.join()
            if not returned.is_set():
                ended.wait(pause)

    threading.Thread(target=watch, name=f"{work.__name__} watch", daemon=True).start()
