"""`run.py`, which is `make run`: what it prepares, survives, refuses and ends."""

import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.stack import Stack, free_ports, running_stack, start_stack, stop_stack, wait_ready


def find_children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """supervisord first, then all that it started."""
    return psutil.Process(process.pid).children(recursive=True)


def find_left(children: list[psutil.Process]) -> list[psutil.Process]:
    """Those that run; an ended one may be a zombie until its new parent reaps it."""
    left = []
    for child in children:
        with suppress(psutil.NoSuchProcess):
            if child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                left.append(child)
    return left


def send(stack: Stack, path: Path) -> Any:
    """The record of an X-ray that was sent and waited for."""
    return requests.post(
        f"{stack.api_url}/v1/xrays?wait=30",
        files={"xray": path.read_bytes()},
        headers=stack.headers,
        timeout=40,
    ).json()


def test_results_and_users_survive_a_restart(tmp_path: Path, samples: list[Path]) -> None:
    """Ctrl-C ends every process; the next start has all earlier results and the same password."""
    with running_stack(tmp_path) as stack:
        record = send(stack, samples[0])
        password = stack.password
        children = find_children(stack.process)
        assert len(children) >= 7
        for name in ("env", "api-key", "first-user", "redis.conf"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert stack.process.returncode == 0
    assert not [child for child in children if child.is_running()]

    with running_stack(tmp_path) as stack:
        assert stack.password == password
        url = f"{stack.api_url}/v1/xrays/{record['id']}"
        assert requests.get(url, headers=stack.headers, timeout=5).json() == record
        session = requests.post(
            f"{stack.api_url}/v1/sessions",
            json={"user": stack.user, "password": password},
            timeout=5,
        )
        assert session.status_code == 201


def test_everything_listens_on_loopback_only(tmp_path: Path) -> None:
    """Nothing of it is reachable from another machine."""
    with running_stack(tmp_path) as stack:
        listening = [
            connection.laddr
            for child in find_children(stack.process)
            for connection in child.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert {address.port for address in listening} == set(stack.ports.values())


def test_ctrl_c_ends_even_what_hangs(tmp_path: Path) -> None:
    """A worker and a supervisord that no longer react to anything are killed."""
    with running_stack(tmp_path) as stack:
        supervisord, *parts = children = find_children(stack.process)
        worker = next(part for part in parts if "pneumonia_api.worker.tasks" in part.cmdline())
        worker.suspend()
        supervisord.suspend()
    assert stack.process.returncode == 0
    assert not find_left(children)


def test_ctrl_c_during_the_export(tmp_path: Path) -> None:
    """It ends the export, without a traceback."""
    process = start_stack(tmp_path, free_ports(), SERVING_DIR=str(tmp_path / "none"))
    wait_ready(process, "Preparing the model")
    check_early_end(process)


def test_ctrl_c_before_the_parts_are_up(tmp_path: Path) -> None:
    """It ends a start in progress, without a traceback."""
    process = start_stack(tmp_path, free_ports())
    end = time.monotonic() + 60
    while not (tmp_path / "supervisord.conf").exists():
        assert time.monotonic() < end
    check_early_end(process)


def check_early_end(process: subprocess.Popen[str]) -> None:
    """Ctrl-C several times; only the stop is reported."""
    os.killpg(process.pid, signal.SIGINT)
    children = find_children(process)
    os.killpg(process.pid, signal.SIGTERM)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.read() == "\nStopping ...\n"
    stop_stack(process)
    assert process.returncode == 0
    assert not find_left(children)


def test_every_usual_character_may_be_in_the_path(tmp_path: Path, samples: list[Path]) -> None:
    """An X-ray is analysed, and its preview is inside the folder."""
    var = tmp_path / "it's 100 %s %% {ü};#"
    with running_stack(var) as stack:
        record = send(stack, samples[0])
    assert record["status"] == "done"
    assert (var / "images" / "previews" / f"{record['id']}.jpg").is_file()
    assert list((var / "redis").iterdir())
    assert list(tmp_path.iterdir()) == [var]


def check_refusal(
    var: Path, sentence: str, ports: dict[str, int] | None = None, **settings: str
) -> None:
    """One line, exit code 1, nothing left running, no password printed."""
    process = start_stack(var, ports or free_ports(), **settings)
    text = wait_ready(process)
    process.wait(20)
    stop_stack(process)
    assert process.returncode == 1
    assert sentence in text
    assert "secret" not in text
    assert len(text.strip().splitlines()) == 1


def test_path_that_would_break_a_configuration_is_refused(tmp_path: Path) -> None:
    """The line names the path and what is wrong with it."""
    check_refusal(tmp_path / 'a "b"', "Cannot start: the path")


def test_second_start_in_the_same_folder_is_refused(stack: Stack) -> None:
    """Two Redis servers in one folder would destroy the records."""
    check_refusal(stack.var, f"Cannot start: another start uses {stack.var};")


@pytest.mark.parametrize("address", ["redis://:secret@127.0.0.1:1/0", "redis://:secret/x@host"])
def test_redis_that_does_not_answer_is_reported_in_one_line(tmp_path: Path, address: str) -> None:
    """Also if the address is wrong; no line ever holds the password."""
    check_refusal(tmp_path, "REDIS_URL", REDIS_URL=address)


def test_part_that_fails_is_named_with_its_log(tmp_path: Path) -> None:
    """The line comes when the part is given up, without waiting for the others."""
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonlydir").write_text("in the way")
    sentence = f"Stopped: redis fails at every start; {tmp_path}/log/redis.log says why."
    check_refusal(tmp_path, sentence)
    assert "appendonlydir" in (tmp_path / "log" / "redis.log").read_text()


def test_same_port_twice_is_refused(tmp_path: Path) -> None:
    """Otherwise the second part to start would fail."""
    ports = free_ports()
    sentence = "must be different ports."
    check_refusal(tmp_path, sentence, {**ports, "API_PORT": ports["PORT"]})


def test_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    """The line names the port and the setting that changes it."""
    ports = free_ports()
    with socket.create_server(("127.0.0.1", ports["PORT"])):
        process = start_stack(tmp_path, ports)
        text = wait_ready(process)
        process.wait(20)
        stop_stack(process)
    assert process.returncode == 1
    expected = f"Cannot start: port {ports['PORT']} is in use; stop what uses it, or choose another"
    assert text.strip() == f"{expected} with PORT=."


def test_missing_artifact_is_reported_in_one_line(tmp_path: Path) -> None:
    """The line names the missing file and what to do."""
    check_refusal(tmp_path, "The model artifact is missing", MODEL_DIR=str(tmp_path / "none"))


def test_folder_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path) -> None:
    """A file in place of the folder, a full or a read-only disk: the line says which."""
    (tmp_path / "var").write_text("in the way")
    check_refusal(tmp_path / "var", "Cannot start: ")


def test_wrong_setting_is_named(tmp_path: Path) -> None:
    """An invalid setting ends the start and is named."""
    check_refusal(tmp_path, "MAX_BODY_MB must be a whole number", MAX_BODY_MB="many")


def test_monitoring_says_what_it_lacks(tmp_path: Path) -> None:
    """Debian's packages, by name, when their programs are not on PATH."""
    settings = {"MONITORING": "1", "PATH": str(tmp_path)}
    check_refusal(tmp_path / "var", "`apt-get install prometheus prometheus-alert", **settings)


def test_node_without_peers_is_refused_with_an_example(tmp_path: Path) -> None:
    """DICOM=1 alone would let nobody send, or everybody."""
    process = start_stack(tmp_path, free_ports(), DICOM="1")
    try:
        said = wait_ready(process)
        assert "DICOM_PEERS=PACS@10.1.2.3" in said
        assert process.wait(30) == 1
    finally:
        stop_stack(process)
