"""Whatever is done to the files of the audit is found and named."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from pneumonia_api.audit.chain import START, digest_line, write_line
from pneumonia_api.audit.folder import list_files
from pneumonia_api.audit.head import read_head
from pneumonia_api.audit.verify import verify
from tests.pneumonia_api.audit.made import add, put_rows, read_rows, write_all

Damage = Callable[[list[bytes]], list[bytes]]


@pytest.fixture
def folder(client: redis.Redis, tmp_path: Path) -> Path:
    """Ten lines."""
    add(client, 10)
    assert write_all(client, tmp_path / "audit") == 10
    return tmp_path / "audit"


def find_faults(client: redis.Redis, folder: Path) -> list[str]:
    """What `verify` says."""
    return [str(fault) for fault in verify(folder, read_head(client)).faults]


def test_a_chain_is_whole_as_it_was_written(client: redis.Redis, folder: Path) -> None:
    """Each line has its number and the digest of the line before it."""
    verdict = verify(folder, read_head(client))
    assert (verdict.lines, verdict.faults, verdict.last.seq) == (10, (), 10)
    rows = [json.loads(row) for row in read_rows(folder)]
    assert [row["seq"] for row in rows] == [*range(1, 11)]
    assert rows[0]["prev"] == "0" * 64
    assert rows[9]["prev"] == digest_line(read_rows(folder)[8].rstrip(b"\n"))
    assert rows[4] == {
        **{"seq": 5, "prev": rows[4]["prev"], "id": rows[4]["id"], "at": rows[4]["at"]},
        **{"action": "see_xray", "who": "ann", "roles": "clinician", "address": "10.0.0.1"},
        **{"xray": "0" * 32, "about": "4", "outcome": "done"},
    }


def change(rows: list[bytes], index: int) -> list[bytes]:
    """Another name in one line."""
    return [*rows[:index], rows[index].replace(b'"ann"', b'"eve"'), *rows[index + 1 :]]


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a changed line": (lambda rows: change(rows, 4), r"row 5: line 5 was changed"),
    "the first line changed": (lambda rows: change(rows, 0), r"row 1: line 1 was changed"),
    "the last line changed": (lambda rows: change(rows, 9), r"line 10 was changed: Redis"),
    "a line taken out": (lambda rows: rows[:4] + rows[5:], r"line 5 is missing before line 6"),
    "lines taken out": (
        lambda rows: rows[:2] + rows[5:],
        r"lines 3 to 5 are missing before line 6",
    ),
    "the first taken out": (lambda rows: rows[1:], r"row 1: line 1 is missing before line 2"),
    "the last cut off": (lambda rows: rows[:9], r"line 10 is missing at the end"),
    "the last three cut off": (lambda rows: rows[:7], r"lines 8 to 10 are missing at the end"),
    "the last cut within": (lambda rows: [*rows[:9], rows[9][:-9]], r"line 10 is missing at the"),
    "a line cut within": (
        lambda rows: [*rows[:4], rows[4][:-9] + b"\n", *rows[5:]],
        r"row 5: this is no line of the audit; line 5 was expected",
    ),
    "two lines swapped": (
        lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]],
        r"row 6: line 5 was moved or inserted: it stands after line 6",
    ),
    "a line twice": (lambda rows: [*rows[:5], *rows[4:]], r"row 6: line 5 was inserted or is"),
    "an old line at the end": (lambda rows: [*rows, rows[3]], r"row 11: line 4 was moved or"),
    "something else": (lambda rows: [*rows[:4], b"hello\n", *rows[4:]], r"row 5: this is no line"),
    "all of it gone": (lambda rows: [], r"lines 1 to 10 are missing at the end"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_named(client: redis.Redis, folder: Path, name: str) -> None:
    """By its line, and by its row in the file."""
    damage, expected = DAMAGES[name]
    put_rows(folder, damage(read_rows(folder)))
    faults = find_faults(client, folder)
    assert any(re.search(expected, fault) for fault in faults), faults


def test_a_forged_line_that_fits_its_neighbour_is_found(client: redis.Redis, folder: Path) -> None:
    """It states the right digest; the line after it does not state its."""
    rows = read_rows(folder)
    before = json.loads(rows[4])
    link = replace(START, seq=4, digest=before["prev"])
    forged, _ = write_line(link, before["id"], {"action": "see_xray", "who": "eve"})
    put_rows(folder, [*rows[:4], forged, *rows[5:]])
    assert any("line 5 was changed" in fault for fault in find_faults(client, folder))


def test_a_chain_that_was_written_anew_is_found(client: redis.Redis, folder: Path) -> None:
    """Every digest in the files fits; Redis has kept that of the last line."""
    link, forged = START, []
    for row in read_rows(folder):
        fields = {k: v for k, v in json.loads(row).items() if k not in ("seq", "prev", "id", "at")}
        line, link = write_line(link, json.loads(row)["id"], {**fields, "who": "eve"})
        forged.append(line)
    put_rows(folder, forged)
    assert verify(folder, None).faults == ()
    assert any("line 10 was changed: Redis" in fault for fault in find_faults(client, folder))


def test_a_file_that_was_removed_is_found(client: redis.Redis, folder: Path) -> None:
    """The chain goes on from month to month."""
    [file] = list_files(folder)
    rows = read_rows(folder)
    for name, part in (("2026-01", rows[:3]), ("2026-02", rows[3:6]), ("2026-03", rows[6:])):
        first = json.loads(part[0])["seq"]
        (folder / f"audit-{name}-{first:012}.jsonl").write_bytes(b"".join(part))
    file.unlink()
    assert find_faults(client, folder) == []
    (folder / "audit-2026-02-000000000004.jsonl").unlink()
    [fault] = find_faults(client, folder)
    assert "audit-2026-03-000000000007.jsonl, row 1: lines 4 to 6 are missing before" in fault
