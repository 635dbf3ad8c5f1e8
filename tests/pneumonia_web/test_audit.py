"""The page of the audit, and the writer that `make run` starts."""

import re
import subprocess
import sys
import time

import pytest
from dotenv import dotenv_values

from tests.pneumonia_web.visitor import Visitor
from tests.stack import ROOT, Stack


def test_the_page_shows_who_did_what(doctor: Visitor) -> None:
    """With words for what they did, and filters that select."""
    doctor.get("/keys")
    page = doctor.get("/audit")
    assert page.status_code == 200
    assert "Saw the list of keys" in page.text
    assert "127.0.0.1" in page.text
    page = doctor.get("/audit?action=list_keys")
    rows = re.findall(r"<tr>\s*<td>.*?</tr>", page.text, re.DOTALL)
    assert rows
    assert all("Saw the list of keys" in row for row in rows)
    assert "No line is like that." in doctor.get("/audit?who=nobody-at-all").text


def test_a_filter_that_makes_no_sense_is_said(doctor: Visitor) -> None:
    """And what was typed stays."""
    page = doctor.get("/audit?xray=Jane")
    assert page.status_code == 422
    assert "A filter has a value that there cannot be" in page.text
    assert 'value="Jane"' in page.text


def test_the_table_is_saved(doctor: Visitor) -> None:
    """With the same filters."""
    table = doctor.get("/audit.csv?action=log_in")
    assert table.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    head, *rows = table.text.splitlines()
    assert head.startswith("id,at,who")
    assert rows
    assert all(",log_in," in row for row in rows)


@pytest.mark.parametrize("path", ["/audit", "/audit.csv"])
def test_the_page_is_german_too(doctor: Visitor, path: str) -> None:
    """But for the names of actions in the table, which programs read."""
    page = doctor.get(path, headers={"Accept-Language": "de"})
    assert ("Wer in den letzten 30 Tagen" in page.text) is (path == "/audit")


def test_make_run_writes_the_audit_and_the_command_checks_it(doctor: Visitor, stack: Stack) -> None:
    """A line for the log-in is on the disk within seconds."""
    doctor.get("/audit")
    env = {name: value for name, value in dotenv_values(stack.var / "env").items() if value}
    command = [sys.executable, "-m", "pneumonia_api.audit", "verify"]
    for _ in range(100):
        written = b"".join(file.read_bytes() for file in (stack.var / "audit").glob("*.jsonl"))
        if b'"action":"see_audit"' in written:
            break
        time.sleep(0.1)
    assert b'"action":"log_in","who":"doctor"' in written
    checked = subprocess.run(
        command,
        cwd=ROOT,
        env={**env, "VAR_DIR": str(stack.var), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert re.search(r"\d+ lines, the last is line \d+: whole\.", checked.stdout)
