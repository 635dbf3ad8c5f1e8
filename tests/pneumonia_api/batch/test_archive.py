"""`model.inference` on archives as they are on real disks: a bad file costs only itself."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model.cage.pool import Cage, PreviewedXray
from model.reading.xray import read_xray
from pneumonia_api.batch.run import main
from pneumonia_api.records.scope import read_scope
from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.batch.server import Server, arguments, read_records
from tests.scrape import read_value
from tests.stack import ROOT


@pytest.fixture
def archive(tmp_path: Path, samples: list[Path]) -> Path:
    """Three X-rays."""
    folder = tmp_path / "archive"
    folder.mkdir()
    for path in samples[:3]:
        shutil.copy(path, folder)
    return folder


def test_decoder_that_fails_costs_its_own_file(
    server: Server,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its record is `failed`, the others are judged, and the exit status is 1; the next run reports
    it again without decoding it."""
    bad = sorted(archive.iterdir())[1]
    decoded: list[bytes] = []

    read = Cage.read

    def decode(cage: Cage, data: bytes, *arguments: int, **named: Any) -> PreviewedXray:
        decoded.append(data)
        if data == bad.read_bytes():
            raise IndexError("Doe^Jane")
        return read(cage, data, *arguments, **named)

    monkeypatch.setattr(Cage, "read", decode)
    metrics = tmp_path / "batch.prom"
    command = arguments(server, archive, tmp_path / "images", "--metrics", str(metrics))
    assert main(command) == 1
    printed = capsys.readouterr().out
    records = read_records(server)
    assert sorted(record["status"] for record in records.values()) == ["done", "done", "failed"]
    [failed] = [record for record in records.values() if record["status"] == "failed"]
    assert "fault on our side" in failed["reason"] and "Doe" not in failed["reason"]
    assert f"{bad.name}: failed. IndexError in test_archive.py, line " in printed
    assert "Doe" not in printed
    assert "1 failed" in printed and "2 judged" in printed
    assert read_value(metrics.read_text(), "pneumonia_batch_files", status="failed") == 1
    assert read_value(metrics.read_text(), "pneumonia_batch_files", status="done") == 2
    decoded.clear()
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert not decoded
    assert f"{bad.name}: failed. " in printed and "1 failed" in printed
    assert read_value(metrics.read_text(), "pneumonia_batch_files", status="failed") == 1
    assert read_records(server) == records


def test_ages_of_an_archive_are_read_as_those_of_uploads(
    server: Server, tmp_path: Path, samples: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """An infant is out of scope, and the summary counts it apart."""
    folder = tmp_path / "archive"
    folder.mkdir()
    pixels = read_xray(samples[8].read_bytes()).pixels
    for name, age in (("child", "004Y"), ("infant", "006M"), ("nobody", "")):
        film = build(pixels, PatientAge=age, PatientBirthDate="")
        (folder / f"{name}.dcm").write_bytes(save(film))
    assert main(arguments(server, folder, tmp_path / "images")) == 0
    records = read_records(server).values()
    scopes = [read_scope(record["s"]) for record in records]
    assert sorted((scope.age, scope.out_of_scope) for scope in scopes) == [
        ("under", True),
        ("unknown", False),
        ("within", False),
    ]
    printed = capsys.readouterr().out
    assert "2 pneumonia likely, 0 uncertain, 0 no pneumonia detected" in printed
    assert "1 of an age that the model is not for" in printed


def test_what_is_no_regular_file_is_skipped_and_reported(
    server: Server, archive: Path, tmp_path: Path
) -> None:
    """Pipes, sockets, devices and links to folders block nothing and are reported; a broken link
    may have been an X-ray, so it counts as unread."""
    os.mkfifo(archive / "pipe.dcm")
    os.mkfifo(archive / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(archive / "socket.jpg"))
    (archive / "device.png").symlink_to("/dev/zero")
    (archive / "loop").symlink_to(archive)
    (archive / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    (archive / "linked.jpg").symlink_to(archive / "self.jpg")
    (archive / "self.jpg").symlink_to(archive / "linked.jpg")
    metrics = tmp_path / "batch.prom"
    words = arguments(server, archive, tmp_path / "images", "--metrics", str(metrics))
    done = subprocess.run(
        [sys.executable, "-m", "model.inference", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,  # generous; the point is that it ends
        check=False,
    )
    listener.close()
    assert done.returncode == 1, done.stdout + done.stderr
    for line in (
        "pipe: skipped. It is a named pipe.",
        "pipe.dcm: skipped. It is a named pipe.",
        "socket.jpg: skipped. It is a socket.",
        "device.png: skipped. It is a device.",
        "loop: skipped. It is a link to a folder; score that folder by itself.",
        "nowhere.jpg: unread. No such file or directory.",
        "self.jpg: unread. Too many levels of symbolic links.",
        "5 skipped: pipes, sockets, devices and links to folders",
        "3 judged in this run",
        "3 could not be read",
    ):
        assert line in done.stdout, done.stdout
    assert read_value(metrics.read_text(), "pneumonia_batch_skipped_files") == 5
    assert read_value(metrics.read_text(), "pneumonia_batch_files", status="unread") == 3
    assert {record["status"] for record in read_records(server).values()} == {"done"}


def test_file_that_cannot_be_read_is_counted_whatever_its_name(
    server: Server, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk error on a DICOM file without a suffix is `unread`, not "not an image"."""
    # A regular file; reading its first bytes fails with an input/output error.
    (archive / "IM0001").symlink_to("/proc/self/mem")
    assert main(arguments(server, archive, tmp_path / "images")) == 1
    printed = capsys.readouterr().out
    assert "IM0001: unread. Input/output error." in printed
    assert "1 could not be read" in printed and "not images" not in printed


def test_folder_that_may_not_be_listed_is_unread(
    server: Server, archive: Path, tmp_path: Path
) -> None:
    """It may contain X-rays, so the run does not succeed."""
    closed = archive / "closed"
    closed.mkdir()
    closed.chmod(0)
    secret = sorted(archive.glob("*.jpeg"))[0]
    secret.chmod(0)
    words = [sys.executable, "-m", "model.inference"]
    words += arguments(server, archive, tmp_path / "images")
    if os.geteuid() == 0:  # root can read everything unless it drops that capability
        words[:0] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    closed.chmod(0o700)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "closed: unread. Permission denied." in done.stdout
    assert f"{secret.name}: unread. Permission denied." in done.stdout
    assert "2 judged in this run" in done.stdout
    assert "2 could not be read" in done.stdout


def test_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    server: Server,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Half of a file that is still being copied is neither judged nor rejected."""
    growing = sorted(archive.iterdir())[0]
    whole = growing.read_bytes()
    growing.write_bytes(whole[:1000])
    fstat, looks = os.fstat, []

    def grow(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        if os.path.samestat(found, growing.stat()):
            looks.append(found.st_size)
            if len(looks) == 2:  # the first call belongs to opening the file
                with growing.open("ab") as file:
                    file.write(whole[1000:])
        return found

    monkeypatch.setattr("pneumonia_api.batch.intake.os.fstat", grow)
    command = arguments(server, archive, tmp_path / "images")
    assert main(command) == 1
    assert len(read_records(server)) == 2
    assert f"{growing.name}: unread. It changed while it was read" in capsys.readouterr().out
    monkeypatch.undo()
    assert main(command) == 0
    assert [record["status"] for record in read_records(server).values()] == ["done"] * 3


def test_name_that_no_terminal_can_show_ends_nothing(
    server: Server, archive: Path, tmp_path: Path
) -> None:
    """Bytes that are not UTF-8, and terminal control sequences, are escaped."""
    (archive / os.fsdecode(b"M\xfcller\n\x1b[2J.jpg")).write_bytes(b"no image")
    done = subprocess.run(
        [sys.executable, "-m", "model.inference", *arguments(server, archive, tmp_path / "images")],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert rb"M\udcfcller\n\x1b[2J.jpg: rejected. " in done.stdout
    assert len(read_records(server)) == 4
