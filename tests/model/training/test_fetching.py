"""`model.training.fetching`: the data here is the data there, whatever was fetched before."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from model.training.fetching import FetchError, fetch_data
from tests.s3 import BUCKET, running_s3
from tests.stack import ROOT, free_ports

KEYS = {
    "data/train/NORMAL/IM-0001-0001.jpeg": b"one",
    "data/train/NORMAL/IM-0002-0001.jpeg": b"two",
    "data/train/PNEUMONIA/person1_virus_1.jpeg": b"three",
}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a bucket in a stand-in of S3."""
    with running_s3(free_ports()["API_PORT"]) as bucket:
        yield bucket


@pytest.fixture
def url(s3: str) -> str:
    """A folder of the bucket that has what is in KEYS, and nothing else."""
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.objects.delete()
    for key, data in KEYS.items():
        bucket.put_object(Key=key, Body=data)
    return f"{s3}/data"


def read_tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, as a key of the bucket, and its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {f"data/{path.relative_to(folder)}": path.read_bytes() for path in files}


def test_withdrawn_relabelled_and_changed_files_are_so_here(url: str, tmp_path: Path) -> None:
    """What is gone there is gone here; another content of the same size is fetched."""
    fetch_data(url, tmp_path / "data")
    assert read_tree(tmp_path / "data") == KEYS
    bucket = boto3.resource("s3").Bucket(BUCKET)
    withdrawn, relabelled, changed = KEYS
    bucket.delete_objects(Delete={"Objects": [{"Key": withdrawn}, {"Key": relabelled}]})
    moved = relabelled.replace("NORMAL", "PNEUMONIA")
    bucket.put_object(Key=moved, Body=KEYS[relabelled])
    bucket.put_object(Key=changed, Body=b"THREE")
    fetch_data(url, tmp_path / "data")
    assert read_tree(tmp_path / "data") == {moved: b"two", changed: b"THREE"}


def test_what_somebody_changed_or_added_here_is_put_right(url: str, tmp_path: Path) -> None:
    """The copy has the content of the bucket; only training reads it."""
    fetch_data(url, tmp_path / "data")
    first = tmp_path / "data" / "train" / "NORMAL" / "IM-0001-0001.jpeg"
    first.write_bytes(b"ONE")
    (first.parent / "IM-0009-0001.jpeg").write_bytes(b"nine")
    fetch_data(url, tmp_path / "data")
    assert read_tree(tmp_path / "data") == KEYS


def test_killed_fetch_leaves_the_last_whole_set(url: str, tmp_path: Path) -> None:
    """SIGKILL while it downloads: the set of before is what counts; the next fetch ends it."""
    bucket = boto3.resource("s3").Bucket(BUCKET)
    fetch_data(url, tmp_path / "data")
    more = {f"data/train/NORMAL/IM-1{number:03}.jpeg": os.urandom(1 << 20) for number in range(40)}
    for key, data in more.items():
        bucket.put_object(Key=key, Body=data)
    code = (
        "from pathlib import Path; from model.training.fetching import fetch_data; "
        f"fetch_data({url!r}, Path({str(tmp_path / 'data')!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    deadline = time.monotonic() + 120  # generous: it began at all
    while sum(path.is_file() for path in tmp_path.rglob("*")) < 2 * len(KEYS) + 5:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert read_tree(tmp_path / "data") == KEYS
    fetch_data(url, tmp_path / "data")
    assert read_tree(tmp_path / "data") == KEYS | more
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2 * len(KEYS | more)  # nothing of the killed one is left


def test_what_is_not_fetched_again_was_fetched_whole(url: str, tmp_path: Path) -> None:
    """An unchanged file is downloaded once; one whose copy was cut by a crash is again."""
    fetch_data(url, tmp_path / "data")
    kept = {path: path.stat().st_ino for path in (tmp_path / "data.objects").iterdir()}
    cut = next(path for path in kept if path.read_bytes() == b"three")
    with cut.open("r+b") as file:
        file.truncate(2)
    fetch_data(url, tmp_path / "data")
    assert read_tree(tmp_path / "data") == KEYS
    again = {path: path.stat().st_ino for path in (tmp_path / "data.objects").iterdir()}
    assert {path for path in kept if again[path] != kept[path]} == {cut}


def test_name_that_would_leave_the_folder_is_refused(url: str, tmp_path: Path) -> None:
    """A bucket that others may write to cannot place files elsewhere on this machine."""
    boto3.resource("s3").Bucket(BUCKET).put_object(Key="data/train/../../../out.txt", Body=b"x")
    with pytest.raises(FetchError, match=r"train/\.\./.* leads out of the folder"):
        fetch_data(url, tmp_path / "deep" / "data")
    assert not list(tmp_path.rglob("out.txt"))


def test_folder_marker_of_the_console_is_no_file(url: str, tmp_path: Path) -> None:
    """An empty object whose name ends with a slash stands for a folder."""
    boto3.resource("s3").Bucket(BUCKET).put_object(Key="data/train/NORMAL/", Body=b"")
    fetch_data(url, tmp_path / "data")
    assert read_tree(tmp_path / "data") == KEYS
