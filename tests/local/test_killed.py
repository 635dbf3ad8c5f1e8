"""What survives when one process of `make run` is killed alone."""

import os
import signal
from pathlib import Path

import psutil
import requests

from tests.local.watching import (
    MAIN,
    answers,
    find_main,
    find_supervisord,
    is_running,
    judge,
    wait_for_another,
    wait_until,
)
from tests.stack import Stack, free_ports, running_stack, start_stack, stop_stack, wait_ready


def test_every_part_comes_back_when_its_first_process_is_killed(
    tmp_path: Path, samples: list[Path]
) -> None:
    """Its orphans, such as nginx's worker on the port, are killed first; X-rays work again."""
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
    """The terminal reports it in one line, and Ctrl-C still ends everything."""
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
        assert said.startswith("supervisord ended, and all parts are being restarted;")
    assert stack.process.returncode == 0
    assert not [child for child in children if is_running(child)]


def test_next_start_ends_what_lost_starter_and_supervisord(
    tmp_path: Path, samples: list[Path]
) -> None:
    """Orphans hold the ports. A settings file that was filled with zeros is made again.

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
