"""The processes of a running system, for tests that kill them."""

import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import requests

from tests.stack import Stack

MAIN = {
    "nginx": "nginx: master",
    "api": "pneumonia_api.app:app",
    "web": "pneumonia_web.app:app",
    "worker": "pneumonia_api.worker.tasks",
    "redis": "valkey-server",
}
"""How the title of each part's first process is known."""

WAIT_SECONDS = 120
"""A part needs two; a busy machine needs more."""


def find_supervisord(stack: Stack) -> psutil.Process:
    """The pid of the running process."""
    return psutil.Process(int((stack.var / "supervisord.pid").read_text()))


def find_main(stack: Stack, part: str) -> psutil.Process | None:
    """The part's first process, which is supervisord's child.

    None while `launch` kills orphans: it has the part's command among its arguments.
    """
    with suppress(psutil.NoSuchProcess):
        for child in find_supervisord(stack).children():
            title = " ".join(child.cmdline())
            if MAIN[part] in title and "local/launch.py" not in title:
                return child
    return None


def wait_until(what: Callable[[], object], said: str) -> None:
    """Wait until it is true; `said` is the message of a failure."""
    end = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < end, said
        time.sleep(0.1)


def wait_for_another(stack: Stack, part: str, killed: psutil.Process) -> None:
    """Until the part has another first process."""
    wait_until(lambda: find_main(stack, part) not in (None, killed), f"{part} is not started")


def answers(stack: Stack) -> bool:
    """The page is there, and an X-ray would be judged."""
    try:
        return all(
            requests.get(url, timeout=10).status_code == 200
            for url in (f"{stack.url}/login", f"{stack.api_url}/readyz")
        )
    except (requests.ConnectionError, requests.Timeout):
        return False


def judge(stack: Stack, data: bytes) -> str:
    """The status of an X-ray that was sent, once it is judged or after WAIT_SECONDS.

    The wait of one request is not enough on a busy machine: a part that was killed announces itself
    as ready until its heartbeat expires, and the next one takes its time to start.
    """
    end = time.monotonic() + WAIT_SECONDS
    xrays = f"{stack.api_url}/v1/xrays"
    answer = requests.post(
        f"{xrays}?wait=30", files={"xray": data}, headers=stack.headers, timeout=40
    )
    assert answer.ok, answer.text
    record = answer.json()
    while record["status"] == "queued" and time.monotonic() < end:
        answer = requests.get(f"{xrays}/{record['id']}?wait=30", headers=stack.headers, timeout=40)
        assert answer.ok, answer.text
        record = answer.json()
    return str(record["status"])


def is_running(process: psutil.Process) -> bool:
    """Neither ended nor a zombie."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
