"""What survives when one process of `make run` is killed alone."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import requests

from tests.stack import Stack, free_ports, running_stack, start_stack, stop_stack, wait_ready

MAIN = {
    "nginx": "nginx: master",
    "api": "pneumonia_api.app:app",
    "web": "pneumonia_web.app:app",
    "worker": "pneumonia_api.tasks",
    "redis": "valkey-server",
}
"""How the title of each part's first process is known."""

WAIT_SECONDS = 120
"""A part is up in two; this is for a busy machine."""


def find_supervisord(stack: Stack) -> psutil.Process:
    """The one that runs now."""
    return psutil.Process(int((stack.var / "supervisord.pid").read_text()))


def find_main(stack: Stack, part: str) -> psutil.Process | None:
    """The part's first process, which is supervisord's child."""
    with suppress(psutil.NoSuchProcess):
        for child in find_supervisord(stack).children():
            if MAIN[part] in " ".join(child.cmdline()):
                return child
    return None


def wait_until(what: Callable[[], object], said: str) -> None:
    """Until it is true; `said` is for whoever reads the failure."""
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
    except requests.ConnectionError:
        return False


def judge(stack: Stack, data: bytes) -> str:
    """The state of an X-ray that was sent and waited for."""
    answer = requests.post(
        f"{stack.api_url}/v1/xrays?wait=30",
        files={"xray": data},
        headers=stack.headers,
        timeout=40,
    )
    return answer.json()["status"]


def is_running(process: psutil.Process) -> bool:
    """Not ended, and not waiting to be noticed."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_every_part_comes_back_when_its_first_process_is_killed(
    tmp_path: Path, samples: list[Path]
) -> None:
    """What it left, such as nginx's worker on the port, is ended first; and X-rays are judged."""
    with running_stack(tmp_path) as stack:
        for number, part in enumerate(MAIN):
            killed = find_main(stack, part)
            assert killed, part
            left = killed.children(recursive=True)
            killed.kill()
            wait_for_another(stack, part, killed)
            wait_until(lambda: answers(stack), f"{part} does not come back")
            assert not [process for process in left if is_running(process)], part
            assert judge(stack, samples[number].read_bytes()) == "done", part
        children = psutil.Process(stack.process.pid).children(recursive=True)
    assert stack.process.returncode == 0
    assert not [child for child in children if is_running(child)]


def test_all_parts_are_started_again_when_supervisord_is_killed(
    tmp_path: Path, samples: list[Path]
) -> None:
    """The terminal says so in one line, and Ctrl-C still ends all of it."""
    with running_stack(tmp_path) as stack:
        killed = find_supervisord(stack)
        left = killed.children(recursive=True)
        killed.kill()
        wait_until(lambda: not any(map(is_running, left)), "parts outlive their supervisord")
        wait_until(lambda: find_main(stack, "nginx"), "nginx is not started again")
        wait_until(lambda: answers(stack), "the parts do not come back")
        assert judge(stack, samples[0].read_bytes()) == "done"
        children = psutil.Process(stack.process.pid).children(recursive=True)
        assert stack.process.stdout
        said = stack.process.stdout.readline()
        while "supervisord" not in said:
            said = stack.process.stdout.readline()
        assert said.startswith("supervisord ended and all parts are started again;")
    assert stack.process.returncode == 0
    assert not [child for child in children if is_running(child)]


def test_next_start_takes_over_when_the_starter_was_killed(
    tmp_path: Path, samples: list[Path]
) -> None:
    """Until then X-rays are judged; then what was left is ended, and nothing is lost."""
    with running_stack(tmp_path) as stack:
        left = psutil.Process(stack.process.pid).children(recursive=True)
        stack.process.kill()
        stack.process.wait()
        assert judge(stack, samples[0].read_bytes()) == "done"
        again = start_stack(tmp_path, stack.ports)
        try:
            assert "is ready at" in (text := wait_ready(again)), text
            assert not [process for process in left if is_running(process)]
            page = requests.get(f"{stack.api_url}/v1/xrays", headers=stack.headers, timeout=20)
            assert [record["status"] for record in page.json()["xrays"]] == ["done"]
        finally:
            stop_stack(again)


def test_next_start_ends_what_lost_starter_and_supervisord(
    tmp_path: Path, samples: list[Path]
) -> None:
    """Orphans hold the ports. A settings file that became zeros with that is made again.

    The key for machines is another then, and people log in again; records and users are kept.
    """
    process = start_stack(tmp_path, ports := free_ports())
    wait_ready(process)
    stack = Stack(tmp_path, ports, process)
    key, password = stack.api_key, stack.password
    assert judge(stack, samples[0].read_bytes()) == "done"
    supervisord, *parts = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    supervisord.kill()
    stop_stack(process)
    assert [part for part in parts if is_running(part)]
    (tmp_path / "env").write_bytes(bytes(4096))
    again = start_stack(tmp_path, ports)
    try:
        assert "is ready at" in (text := wait_ready(again)), text
        assert text.startswith(f"{tmp_path}/env was damaged: ")
        assert not [part for part in parts if is_running(part)]
        assert stack.api_key != key
        assert judge(stack, samples[1].read_bytes()) == "done"
        page = requests.get(f"{stack.api_url}/v1/xrays", headers=stack.headers, timeout=20)
        assert len(page.json()["xrays"]) == 2
        session = requests.post(
            f"{stack.api_url}/v1/sessions",
            json={"user": stack.user, "password": password},
            timeout=20,
        )
        assert session.status_code == 201
    finally:
        stop_stack(again)
