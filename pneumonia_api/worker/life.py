"""How a worker begins, unless it could not judge, and the threads that run next to its tasks."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from celery import bootsteps

from model.cage.pool import CageLost
from model.serving.artifact import ArtifactError
from pneumonia_api.records.xrays import TASK
from pneumonia_api.worker.metrics import MODEL, THREAD_ERRORS

log = logging.getLogger(__name__)

RESTART_SECONDS = 5.0
"""Between the end of a thread by an unforeseen error and its next start; half a worker's life
without a beat (HEARTBEAT_SECONDS)."""


class LoadModel(bootsteps.StartStopStep):
    """Opens model and cage before the worker takes tasks, which it never does without them.

    A step, because Celery only logs what a handler of a signal raises: a worker without a model
    would end every X-ray as `failed`. What a step raises ends the worker. The step that takes tasks
    is the last of all.
    """

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._app = parent.app

    def start(self, parent: Any) -> None:
        """Raises SystemExit with a sentence when there is no cage or no model to serve."""
        del parent
        task = self._app.tasks[TASK]
        try:
            task.cage.start()  # while the model is loaded
            predictor = self._app.models.open_first()
            task.cage.check()
        except ArtifactError as error:
            raise SystemExit(f"The worker has no model to serve: {error}") from error
        except CageLost as error:
            raise SystemExit(
                "The processes that read X-rays cannot be started; the lines above say why."
            ) from error
        task.predictor = predictor
        MODEL.tell(predictor.artifact)


def report_thread_error(error: threading.ExceptHookArgs) -> None:
    """Log and count what ended a thread; for `threading.excepthook`."""
    name = error.thread.name if error.thread else "unknown"
    THREAD_ERRORS.labels(name).inc()
    known = (error.exc_type, error.exc_value or error.exc_type(), error.exc_traceback)
    log.critical("unforeseen error in the thread %s", name, exc_info=known)


def keep_running(
    work: Callable[..., None],
    arguments: tuple[Any, ...],
    ended: threading.Event,
    pause: float = RESTART_SECONDS,
) -> None:
    """Run `work` next to the tasks, and again after each error that nobody foresaw, until `ended`.

    A worker that stops beating, sweeping or following the model in service would go on judging
    without anybody noticing. The error is logged and counted by `report_thread_error`.
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
