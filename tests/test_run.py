"""`run.py`, which is `make run`: what it prepares, survives, refuses and ends."""

import socket
import stat
from pathlib import Path

import psutil
import requests

from tests.stack import free_ports, running_stack, start_stack, stop_stack, wait_ready


def test_results_and_users_survive_a_restart(tmp_path: Path, samples: list[Path]) -> None:
    """Ctrl-C ends every process; the next start has all earlier results and the same password."""
    with running_stack(tmp_path) as stack:
        record = requests.post(
            f"{stack.api_url}/v1/xrays?wait=30",
            files={"xray": samples[0].read_bytes()},
            headers=stack.headers,
            timeout=40,
        ).json()
        password = stack.password
        children = psutil.Process(stack.process.pid).children(recursive=True)
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
            for child in psutil.Process(stack.process.pid).children(recursive=True)
            for connection in child.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert {address.port for address in listening} == set(stack.ports.values())


def check_refusal(tmp_path: Path, sentence: str, **settings: str) -> None:
    """One line, code 1, nothing left running."""
    process = start_stack(tmp_path, free_ports(), **settings)
    text = wait_ready(process)
    process.wait(20)
    stop_stack(process)
    assert process.returncode == 1
    assert sentence in text
    assert len(text.strip().splitlines()) == 1


def test_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
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


def test_missing_artifact_is_told_in_one_line(tmp_path: Path) -> None:
    """The line names the missing file and what to do."""
    check_refusal(tmp_path, "The model artifact is missing", MODEL_DIR=str(tmp_path / "none"))


def test_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    """A file where the folder should be, a full or a read-only disk: the line says which."""
    (tmp_path / "var").write_text("in the way")
    check_refusal(tmp_path / "var", "Cannot start: ")


def test_wrong_setting_is_named(tmp_path: Path) -> None:
    """A value that makes no sense ends the start, with its name."""
    check_refusal(tmp_path, "MAX_BODY_MB must be a whole number", MAX_BODY_MB="many")
