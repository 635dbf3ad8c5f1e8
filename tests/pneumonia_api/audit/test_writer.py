"""Each entry becomes one line, whatever dies in between."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from pneumonia_api.audit.folder import FolderInUse, list_files, lock_folder
from pneumonia_api.audit.head import GROUP, read_head
from pneumonia_api.audit.verify import verify
from pneumonia_api.records import keys
from tests.pneumonia_api.audit.made import add, read_rows, write_all
from tests.stack import ROOT


def check_whole(client: redis.Redis, folder: Path, count: int) -> None:
    """Each entry is exactly one line, in its order, and confirmed."""
    verdict = verify(folder, read_head(client))
    assert verdict.faults == ()
    assert [json.loads(row)["id"] for row in read_rows(folder)] == [
        entry for entry, _ in client.xrange(keys.AUDIT)
    ]
    assert verdict.lines == count
    assert client.xpending(keys.AUDIT, GROUP)["pending"] == 0


@pytest.mark.parametrize("when", ["before the line", "after the line", "within the line"])
def test_a_writer_that_is_killed_neither_loses_nor_doubles_a_line(
    client: redis.Redis, redis_url: str, tmp_path: Path, when: str
) -> None:
    """SIGKILL between taking, writing and confirming; the next one goes on."""
    add(client, 5)
    folder = tmp_path / "audit"
    write_all(client, folder)
    add(client, 7)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.pneumonia_api.audit.killed_writer", redis_url, folder, when],
        cwd=ROOT,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert client.xpending(keys.AUDIT, GROUP)["pending"] == 7
    assert len(read_rows(folder)) == {"before the line": 5, "after the line": 12}.get(when, 9)
    assert write_all(client, folder) == {"before the line": 7, "after the line": 0}.get(when, 4)
    check_whole(client, folder, 12)
    add(client, 1)
    write_all(client, folder)
    check_whole(client, folder, 13)


def test_a_writer_that_is_killed_again_and_again(
    client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    """At any moment, while entries arrive."""
    environment = {
        **os.environ,
        "REDIS_URL": redis_url,
        "AUDIT_DIR": str(tmp_path / "audit"),
        "VAR_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "pneumonia_api.audit", "write"]
    for number in range(4):
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        add(client, 300)
        end = time.monotonic() + 30
        while time.monotonic() < end and (
            read_head(client) is None or count(client) < 300 * number
        ):
            add(client, 10)
        process.send_signal(signal.SIGKILL)
        process.wait()
    write_all(client, tmp_path / "audit")
    check_whole(client, tmp_path / "audit", client.xlen(keys.AUDIT))


def count(client: redis.Redis) -> int:
    """Lines that were written and confirmed."""
    head = read_head(client)
    return head.last.seq if head else 0


def test_files_that_were_cut_are_not_patched_over(client: redis.Redis, tmp_path: Path) -> None:
    """The chain goes on in another file from where it was, so that the gap stays to be found."""
    add(client, 5)
    folder = tmp_path / "audit"
    write_all(client, folder)
    [file] = list_files(folder)
    file.write_bytes(b"".join(read_rows(folder)[:3]))
    add(client, 2)
    assert write_all(client, folder) == 2
    assert len(list_files(folder)) == 2
    [fault] = verify(folder, read_head(client)).faults
    assert "lines 4 to 5 are missing before line 6" in str(fault)


def test_a_new_host_goes_on_where_the_last_one_was(client: redis.Redis, tmp_path: Path) -> None:
    """Without its files; with them the chain is whole."""
    add(client, 5)
    write_all(client, tmp_path / "old")
    add(client, 5)
    write_all(client, tmp_path / "new")
    [fault] = verify(tmp_path / "new", read_head(client)).faults
    assert "lines 1 to 5 are missing before line 6" in str(fault)
    for file in list_files(tmp_path / "old"):
        file.rename(tmp_path / "new" / file.name)
    check_whole(client, tmp_path / "new", 10)


def test_a_redis_that_lost_everything_is_followed_by_the_files(
    client: redis.Redis, tmp_path: Path
) -> None:
    """The chain goes on from its last line."""
    add(client, 5)
    write_all(client, tmp_path / "audit")
    client.flushall()
    add(client, 2)
    assert write_all(client, tmp_path / "audit") == 2
    verdict = verify(tmp_path / "audit", read_head(client))
    assert (verdict.lines, verdict.faults) == (7, ())


def test_two_writers_do_not_share_a_folder(tmp_path: Path) -> None:
    """Else each would write the same lines."""
    lock = lock_folder(tmp_path)
    with pytest.raises(FolderInUse):
        lock_folder(tmp_path)
    os.close(lock)
