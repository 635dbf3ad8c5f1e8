"""Old months are removed as a whole, and the rest is still a chain that can be checked."""

import time
from datetime import UTC, datetime
from pathlib import Path

import redis

from pneumonia_api.audit.folder import list_files
from pneumonia_api.audit.head import read_head
from pneumonia_api.audit.keeping import check, remove_old, shorten_stream
from pneumonia_api.audit.verify import verify
from pneumonia_api.records import keys
from tests.pneumonia_api.audit.made import add, write_all

MONTHS = (datetime(2025, 1, 15, tzinfo=UTC), datetime(2025, 2, 15, tzinfo=UTC))


def add_at(client: redis.Redis, moment: datetime, count: int) -> None:
    """Entries of a day in the past, before any other."""
    for number in range(count):
        entry = f"{int(moment.timestamp() * 1000) + number}-0"
        client.xadd(keys.AUDIT, {"action": "see_xray", "who": "ann"}, id=entry)


def test_a_month_is_a_file(client: redis.Redis, tmp_path: Path) -> None:
    """Whatever was written at once."""
    for moment in MONTHS:
        add_at(client, moment, 3)
    add(client, 2)
    assert write_all(client, tmp_path) == 8
    names = [file.name for file in list_files(tmp_path)]
    assert names[:2] == ["audit-2025-01-000000000001.jsonl", "audit-2025-02-000000000004.jsonl"]
    assert len(names) == 3
    assert check(client, tmp_path) == 0


def test_old_months_go_and_the_chain_stays_whole(client: redis.Redis, tmp_path: Path) -> None:
    """Never the newest file, and a cut that nobody decided is still found."""
    for moment in MONTHS:
        add_at(client, moment, 3)
    add(client, 2)
    write_all(client, tmp_path)
    now = datetime(2025, 3, 1, tzinfo=UTC)
    assert remove_old(client, tmp_path, 0, now) == 0
    assert remove_old(client, tmp_path, 30, now) == 1
    assert verify(tmp_path, read_head(client)).faults == ()
    assert remove_old(client, tmp_path, 1, datetime.now(UTC)) == 1
    verdict = verify(tmp_path, read_head(client))
    assert (verdict.lines, verdict.faults) == (2, ())
    [file] = list_files(tmp_path)
    file.write_bytes(file.read_bytes().split(b"\n", 1)[1])
    [fault] = verify(tmp_path, read_head(client)).faults
    assert "line 7 is missing before line 8" in str(fault)


def test_the_stream_loses_only_what_became_a_line_long_ago(
    client: redis.Redis, tmp_path: Path
) -> None:
    """However old an entry is that nobody wrote."""
    add_at(client, MONTHS[0], 500)
    shorten_stream(client, datetime.now(UTC))
    assert client.xlen(keys.AUDIT) == 500
    write_all(client, tmp_path)
    add(client, 1)
    shorten_stream(client, datetime.now(UTC))
    assert client.xlen(keys.AUDIT) < 200  # whole nodes of the stream at a time
    assert write_all(client, tmp_path) == 1


def test_what_a_check_has_found_is_kept_for_the_metric(client: redis.Redis, tmp_path: Path) -> None:
    """With the time of the check."""
    add(client, 3)
    write_all(client, tmp_path)
    [file] = list_files(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"ann", b"eve", 1))
    assert check(client, tmp_path) == 1
    values = client.hgetall(keys.AUDIT_HEAD)
    assert values["faults"] == "1"
    assert abs(int(values["checked"]) - time.time()) < 60
