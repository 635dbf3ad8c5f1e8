"""`python -m monitoring.logs`: what a person reads, from files that grow and are rotated."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitoring.logs.__main__ import open_rotated
from monitoring.logs.reading import read_lines, show
from tests.stack import ROOT

XRAY, REQUEST, OTHER = "7" * 32, "1" * 32, "2" * 32


@contextmanager
def reader(folder: Path, *ids: str) -> Iterator[subprocess.Popen[str]]:
    """The command, in UTC; killed when it is silent for long, so that no test hangs."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "monitoring.logs", *ids, "--folder", str(folder)],
        cwd=ROOT,
        env={**os.environ, "TZ": "UTC"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    patience = threading.Timer(60, process.kill)
    patience.start()
    try:
        yield process
    finally:
        patience.cancel()
        process.send_signal(signal.SIGINT)
        process.wait(10)
        process.stdout.close()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """The output up to a line with `text`."""
    read = ""
    for line in process.stdout:
        read += line
        if text in line:
            return read
    raise AssertionError(f"{text} did not come: {read}")


def write(second: int, service: str, message: str, **fields: str) -> str:
    """A line in our own format."""
    more = "".join(f', "{name}": "{value}"' for name, value in fields.items())
    return (
        f'{{"time": "2026-01-31T07:30:{second:02}.250+00:00", "level": "info", '
        f'"service": "{service}", "message": "{message}"{more}}}\n'
    )


def test_all_files_are_one_by_time_and_go_on(tmp_path: Path) -> None:
    """Lines of all services in order, then new lines, also after a rotation."""
    (tmp_path / "web.log").write_text(write(1, "web", "first") + write(3, "web", "third"))
    (tmp_path / "api.log").write_text("a program's own\n" + write(2, "api", "second", status="9"))
    with reader(tmp_path) as process:
        lines = read_until(process, "third").splitlines()
        assert lines == [
            "-- Saturday, 31 January 2026",
            "07:30:01.250  web          first",
            "07:30:02.250  api          a program's own",
            "07:30:02.250  api          second  status=9",
            "07:30:03.250  web          third",
        ]
        with (tmp_path / "web.log").open("a") as log:
            log.write(write(4, "web", "before the rotation"))
            (tmp_path / "web.log").rename(tmp_path / "web.log.1")
            log.write(write(5, "web", "during it"))
        (tmp_path / "web.log").write_text(write(6, "web", "after it"))
        printed = read_until(process, "after it")
        assert "before the rotation" in printed
        assert "during it" in printed
        (tmp_path / "new.log").write_text("a file that was not there\n")
        read_until(process, "a file that was not there")
    assert process.returncode == 0


def test_log_without_a_file_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    """The name does not exist between the renaming of the old file and the opening of the new."""
    path = tmp_path / "web.log"
    late = threading.Timer(0.2, path.write_text, [write(1, "web", "after the rotation")])
    late.start()
    with open_rotated(path) as log:
        late.join()
        assert b"after the rotation" in log.read()


def test_log_that_does_not_come_back_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting ends."""
    monkeypatch.setattr("monitoring.logs.__main__.ROTATION_SECONDS", 0.05)
    with pytest.raises(FileNotFoundError):
        open_rotated(tmp_path / "web.log")


def test_id_finds_its_request_in_every_file(tmp_path: Path) -> None:
    """By an X-ray's id also nginx's line, which has only the request's; rotated files, too."""
    (tmp_path / "nginx.log").write_text(
        write(4, "nginx", "POST /xrays", request=REQUEST)
        + write(4, "nginx", "POST /xrays", request=OTHER)
    )
    (tmp_path / "api.log").write_text(write(3, "api", "newer", request=OTHER))
    (tmp_path / "api.log.1").write_text(write(2, "api", "uploaded", request=REQUEST, xray=XRAY))
    with reader(tmp_path, XRAY) as process:
        printed = read_until(process, "nginx")
        assert "uploaded" in printed
        assert OTHER not in printed
        with (tmp_path / "api.log").open("a") as log:
            log.write(write(5, "api", "another", request=OTHER))
            log.write(write(6, "api", "deleted", request="3" * 32, xray=XRAY))
        assert "another" not in read_until(process, "deleted")


def test_lines_of_other_programs_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the time that they have, else that of the line before; a line cut off is shown as it is.

    What syslog puts before ours is left out.
    """
    monkeypatch.setenv("TZ", "UTC")
    otherwise = datetime(2026, 2, 1, tzinfo=UTC)
    texts = [
        "a banner",
        "7:M 31 Jan 2026 07:30:00.693 * Ready",
        "2026-01-31 07:31:00,911 INFO stopped: web",
        "no time",
        write(9, "api", "cut off")[:70],
        "<190>Jan 31 07:30:09 nginx: " + write(9, "nginx", "GET /"),
    ]
    lines = read_lines(texts, "file", otherwise)
    assert [line.message for line in lines] == [
        "a banner",
        "7:M * Ready",
        "INFO stopped: web",
        "no time",
        texts[4],
        "GET /",
    ]
    times = [f"{line.time:%H:%M:%S}" for line in lines]
    assert times == ["07:30:00", "07:30:00", "07:31:00", "07:31:00", "07:31:00", "07:30:09"]
    assert lines[-1].service == "nginx"
    assert read_lines(["nothing has a time"], "file", otherwise)[0].time == otherwise


def test_traceback_is_below_its_line_and_errors_are_red_on_a_terminal() -> None:
    """Elsewhere the level is a word, so that it can be searched for."""
    text = write(1, "api", "broken", traceback="File 1\\nValueError").replace("info", "error")
    [line] = read_lines([text], "", datetime.now(UTC))
    assert show(line, colour=False).endswith("ERROR broken\n    File 1\n    ValueError")
    assert "\033[31mERROR broken\033[0m" in show(line, colour=True)


def test_time_without_a_zone_is_not_taken() -> None:
    """It could not be ordered among the others; the line is shown as it is."""
    otherwise = datetime(2026, 2, 1, tzinfo=UTC)
    foreign = '{"time": "2026-01-31T07:30:09", "level": "info", "service": null, "message": "x"}'
    [ours, line] = read_lines([write(9, "api", "first").strip(), foreign], "file", otherwise)
    assert line.time == ours.time
    assert line.message == foreign
