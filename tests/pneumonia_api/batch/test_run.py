"""`pneumonia_api.batch.run`: every file becomes one record, whatever is killed on the way."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pneumonia_api.batch.metrics import STATUSES
from pneumonia_api.batch.run import main
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.lists import select_lists
from tests.pneumonia_api.batch.server import PASSWORD, Server, arguments, read_records
from tests.scrape import read_value
from tests.stack import ROOT

SERVING = ROOT / "var" / "serving"


def start(server: Server, data: Path, images: Path, *more: str) -> subprocess.Popen[str]:
    """A run in its own process, with REDIS_URL from the environment."""
    words = arguments(server, data, images, *more)
    del words[2:4]
    return subprocess.Popen(
        [sys.executable, "-m", "model.inference", *words],
        cwd=ROOT,
        env={**os.environ, "REDIS_URL": server.url, "SERVING_DIR": str(SERVING)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_records(server: Server, count: int) -> None:
    """Wait until `count` records are stored, for five minutes at most."""
    for _ in range(3000):
        if server.client.zcard("xrays") >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{server.client.zcard('xrays')} records, not {count}")


def check_each_once(server: Server, images: Path, count: int) -> None:
    """One finished record and one preview for each file, in every index."""
    records = read_records(server)
    assert len(records) == len({r["digest"] for r in records.values()}) == count
    assert {r["status"] for r in records.values()} == {"done"}
    assert set(server.client.hvals("batch")) == set(records)
    assert sum(map(server.client.zcard, select_lists("done"))) == count
    store = ImageStore(images.as_uri())
    assert all(store.read_preview(xray_id) for xray_id in records)


def test_folder_becomes_records(
    server: Server, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every image gets a record and a preview, the broken one is rejected; Redis has no names."""
    metrics = tmp_path / "metrics" / "batch.prom"
    command = arguments(server, folder, tmp_path / "images", "--labels", "--metrics", str(metrics))
    assert main(command) == 0
    printed = capsys.readouterr().out
    written = metrics.read_text()
    for status, count in (
        ("done", 8),
        ("rejected", 1),
        ("failed", 0),
        ("unread", 0),
        ("known", 0),
        ("repeated", 1),
    ):
        assert read_value(written, "pneumonia_batch_files", status=status) == count
    assert read_value(written, "pneumonia_batch_total_files") == 10
    assert read_value(written, "pneumonia_batch_running") == 0
    assert read_value(written, "pneumonia_batch_images_per_second") > 0
    assert read_value(written, "pneumonia_batch_duration_seconds") > 0
    assert read_value(written, "pneumonia_batch_last_success_timestamp_seconds") > 0
    records = read_records(server)
    assert sorted(r["status"] for r in records.values()) == ["done"] * 8 + ["rejected"]
    assert {r["source"] for r in records.values()} == {"batch"}
    previews = {path.stem for path in (tmp_path / "images" / "previews").iterdir()}
    assert previews == {i for i, record in records.items() if "quality" in record}
    for line in ("8 judged", "1 rejected", "1 the same bytes", "1 are not images", "cut.jpeg: "):
        assert line in printed
    assert "metrics of 9 labelled" not in printed  # the copy is in no labelled folder
    assert "metrics of 8 labelled X-rays" in printed
    assert "sensitivity" in printed
    everything = (tmp_path / "redis").rglob("*")
    assert not any(b"Doe^Jane" in path.read_bytes() for path in everything if path.is_file())


def test_second_run_does_nothing_and_knows_all(
    server: Server, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It leaves the records byte for byte, prints the same scores, and judges only a new file."""
    metrics = tmp_path / "batch.prom"
    command = arguments(server, folder, tmp_path / "images", "--labels", "--metrics", str(metrics))
    main(command)
    first, records = capsys.readouterr().out, read_records(server)
    assert main(command) == 0
    second = capsys.readouterr().out
    assert "9 judged or rejected by an earlier run" in second
    written = metrics.read_text()
    files = {s: read_value(written, "pneumonia_batch_files", status=s) for s in STATUSES}
    assert files == {"known": 9, "repeated": 1, "done": 0, "rejected": 0, "failed": 0, "unread": 0}
    assert sum(files.values()) == read_value(written, "pneumonia_batch_total_files")
    assert first.partition("metrics")[2] == second.partition("metrics")[2] != ""
    assert read_records(server) == records
    (folder / "new.jpeg").write_bytes((folder / "Doe^Jane.jpeg").read_bytes() + b"new")
    assert main(command) == 0
    assert "1 judged in this run" in capsys.readouterr().out
    assert read_records(server).items() > records.items()


def test_killed_run_goes_on(server: Server, many: Path, tmp_path: Path) -> None:
    """After SIGKILL, stored records stay, and the next run judges the rest, each file once."""
    images = tmp_path / "images"
    metrics = tmp_path / "batch.prom"
    process = start(server, many, images, "--metrics", str(metrics))
    wait_records(server, 8)
    process.kill()
    process.communicate(timeout=30)
    assert read_value(metrics.read_text(), "pneumonia_batch_running") == 1
    assert read_value(metrics.read_text(), "pneumonia_batch_total_files") == 64
    kept = read_records(server)
    assert 8 <= len(kept) < 64
    process = start(server, many, images)
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed
    assert f"{len(kept)} judged or rejected by an earlier run" in printed
    assert f"{64 - len(kept)} judged in this run" in printed
    check_each_once(server, images, 64)
    assert read_records(server).items() > kept.items()


def test_run_waits_for_redis(server: Server, many: Path, tmp_path: Path) -> None:
    """During a restart of Redis the run says so, waits, and loses nothing."""
    process = start(server, many, tmp_path / "images")
    wait_records(server, 8)
    server.stop()
    time.sleep(4)
    assert process.poll() is None
    server.start()
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed
    assert "waiting for it" in printed
    assert "64 judged in this run" in printed
    check_each_once(server, tmp_path / "images", 64)


def test_two_runs_at_once_store_each_file_once(server: Server, many: Path, tmp_path: Path) -> None:
    """Two machines on one folder store one record and one preview per file, and no more."""
    images = tmp_path / "images"
    both = [start(server, many, images) for _ in range(2)]
    for process in both:
        printed, _ = process.communicate(timeout=900)
        assert process.returncode == 0, printed
    check_each_once(server, images, 64)
    assert len(list((images / "previews").iterdir())) == 64


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--data": "nowhere"}, "nowhere is not a folder."),
        ({"--data": "empty"}, "No JPEG, PNG, TIFF or DICOM file"),
        ({"--redis-url": "redis://127.0.0.1:1/0"}, "Redis refuses or does not answer"),
        ({"--redis-url": "redis://:wrong@127.0.0.1:{port}/0"}, "Redis refuses"),
        ({"--redis-url": "http://127.0.0.1"}, "The Redis URL cannot be used"),
        ({"--image-store": "nope://images"}, "The image store's URL cannot be used"),
        ({"--image-store": "/proc/images"}, "Run the same command again to go on."),
        ({"--celery": ""}, "No worker has announced its model"),
    ],
)
def test_fault_that_a_person_can_fix_is_one_line(
    change: dict[str, str],
    sentence: str,
    server: Server,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong folder, address, password or store gives one sentence, without the password."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    words = {
        "--data": str(folder),
        "--redis-url": server.url,
        "--image-store": (tmp_path / "images").as_uri(),
        **change,
    }
    line = [part for pair in words.items() for part in pair if part]
    assert main([word.replace("{port}", str(server.port)) for word in line]) == 1
    printed = capsys.readouterr().err
    # The line of the progress bar, if any, ends with "file/s]".
    written = [line for line in printed.splitlines() if line.strip() and "file/s]" not in line]
    assert len(written) == 1, printed
    assert sentence in written[0]
    assert PASSWORD not in written[0]
    assert ":wrong" not in written[0]


def test_script_says_what_it_needs() -> None:
    """Without arguments, `model/inference.py` prints its usage and exits with 2."""
    done = subprocess.run(
        [sys.executable, "model/inference.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: model/inference.py --data FOLDER")
