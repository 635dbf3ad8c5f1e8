"""`pneumonia_api.worker.life`: crashed threads are restarted and counted."""

import threading
import time

import pytest

from pneumonia_api.worker.life import keep_running, report_thread_error
from pneumonia_api.worker.metrics import THREAD_ERRORS


def _count(name: str) -> float:
    return THREAD_ERRORS.labels(name)._value.get()


def test_crashed_thread_is_restarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unforeseen error does not stop the heartbeat, and it is counted."""
    monkeypatch.setattr(threading, "excepthook", report_thread_error)
    calls: list[float] = []
    well, ended = threading.Event(), threading.Event()

    def beat() -> None:
        calls.append(time.monotonic())
        if len(calls) < 3:
            raise ValueError("a damaged record")
        well.set()

    before = _count("beat")
    keep_running(beat, (), ended, pause=0.01)
    assert well.wait(10)
    ended.set()
    assert len(calls) == 3
    assert _count("beat") == before + 2


def test_thread_that_returned_is_not_started_again() -> None:
    """A worker without an artifact store has nothing to follow."""
    calls: list[int] = []
    keep_running(lambda: calls.append(1), (), threading.Event(), pause=0.01)
    time.sleep(0.2)
    assert calls == [1]
