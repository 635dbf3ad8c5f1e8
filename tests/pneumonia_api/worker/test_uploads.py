"""API and worker together, in the running system: real X-rays in, predictions out."""

import csv
import io
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
from PIL import Image
from sklearn.datasets import load_sample_image

from model.serving.artifact import read_artifact
from model.serving.precision import list_supported
from tests.pneumonia_api.kept_uploads import wait_until_deleted
from tests.scrape import read_value
from tests.stack import ROOT, Stack, running_stack


def upload(stack: Stack, data: bytes, wait: float = 30) -> requests.Response:
    """Send bytes and wait for their record."""
    return requests.post(
        f"{stack.api_url}/v1/xrays",
        params={"wait": wait},
        files={"xray": ("xray.jpg", data)},
        headers=stack.headers,
        timeout=40,
    )


def test_large_films_hold_up_nobody_else(stack: Stack, samples: list[Path]) -> None:
    """Many more large X-rays at once than the worker has threads: an ordinary one passes them."""
    side = np.linspace(0, 30_000, 7700).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(np.add.outer(side, side)).save(buffer, "PNG", compress_level=1)
    films = [buffer.getvalue() + b" " * number for number in range(8)]
    with ThreadPoolExecutor(len(films)) as pool:
        answers = list(pool.map(lambda film: upload(stack, film, wait=0).json(), films))
    assert upload(stack, samples[0].read_bytes() + b" ").json()["status"] == "done"

    def count_queued() -> int:
        queued = requests.get(
            f"{stack.api_url}/v1/xrays?status=queued", headers=stack.headers, timeout=40
        )
        return len({xray["id"] for xray in queued.json()["xrays"]} & {a["id"] for a in answers})

    # In turn with the others it would have waited for at least five of them.
    assert count_queued() > 3
    deadline = time.monotonic() + 120
    while count_queued():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def find_worker(stack: Stack) -> psutil.Process:
    """The worker's process among those of the stack."""
    children = psutil.Process(stack.process.pid).children(recursive=True)
    return next(child for child in children if any("celery" in a for a in child.cmdline()))


def wait_until_ready(stack: Stack, ready: bool) -> None:
    """Wait until `/readyz` agrees, for a minute at most."""
    for _ in range(600):
        if requests.get(f"{stack.api_url}/readyz", timeout=5).ok is ready:
            return
        time.sleep(0.1)
    raise AssertionError(f"ready never became {ready}")


def test_every_sample_is_judged(stack: Stack, samples: list[Path]) -> None:
    """Sixteen real X-rays: a complete record each, a preview, and mostly the right decision."""
    right = 0
    for path in samples:
        response = upload(stack, path.read_bytes())
        assert response.status_code == 200, response.text
        record = response.json()
        assert record["status"] == "done"
        prediction = record["prediction"]
        assert 0 <= prediction["probability"] <= 1
        assert len(prediction["heatmap"]) == len(prediction["heatmap"][0]) == 16
        assert prediction["model"] == read_artifact(ROOT / "model" / "artifact").version
        assert record["quality"]["ok"] is True
        url = f"{stack.api_url}/v1/xrays/{record['id']}"
        assert requests.get(url, headers=stack.headers, timeout=5).json() == record
        preview = requests.get(f"{url}/preview", headers=stack.headers, timeout=5)
        assert preview.headers["Content-Type"] == "image/jpeg"
        assert 500 < max(Image.open(io.BytesIO(preview.content)).size) <= 1024
        right += (prediction["decision"] == "normal") == path.name.startswith("NORMAL")
    # One image off is chance, but a model or a decoder gone wrong calls all of them the same.
    assert right >= 10


def test_photograph_is_refused_with_the_reason(stack: Stack) -> None:
    """An image that is not a chest X-ray is rejected with a reason, and a person can see it."""
    buffer = io.BytesIO()
    Image.fromarray(load_sample_image("flower.jpg")).save(buffer, "JPEG")
    record = upload(stack, buffer.getvalue()).json()
    assert record["status"] == "rejected"
    assert "does not look like a frontal chest X-ray" in record["reason"]
    assert record["prediction"] is None
    assert record["quality"]["ood"] > 1
    assert record["quality"]["ok"] is False
    url = f"{stack.api_url}/v1/xrays/{record['id']}/preview"
    preview = requests.get(url, headers=stack.headers, timeout=5)
    assert Image.open(io.BytesIO(preview.content)).size[0] <= 1024
    url = f"{stack.api_url}/v1/xrays/{record['id']}/thumbnail"
    small = requests.get(url, headers=stack.headers, timeout=5)
    assert small.headers["Content-Type"] == "image/jpeg"
    assert "private" in small.headers["Cache-Control"]
    assert max(Image.open(io.BytesIO(small.content)).size) == 96
    assert len(small.content) < 8000


def test_identical_bytes_reuse_the_prediction(stack: Stack, samples: list[Path]) -> None:
    """The second record is done at once; its own preview outlives the first."""
    data = samples[0].read_bytes() + b"reuse"
    first = upload(stack, data).json()
    response = upload(stack, data, wait=0)
    assert response.status_code == 200
    second = response.json()
    assert second["id"] != first["id"]
    assert second["prediction"] == first["prediction"]
    url = f"{stack.api_url}/v1/xrays"
    assert requests.delete(f"{url}/{first['id']}", headers=stack.headers, timeout=5).ok
    preview = requests.get(f"{url}/{second['id']}/preview", headers=stack.headers, timeout=5)
    assert preview.ok
    assert upload(stack, data).json()["prediction"] == first["prediction"]


def test_model_is_described(stack: Stack) -> None:
    """The API returns the metadata of the model that the worker serves, and its precision."""
    model = requests.get(f"{stack.api_url}/v1/model", headers=stack.headers, timeout=5).json()
    artifact = read_artifact(ROOT / "model" / "artifact")
    assert model["version"] == artifact.version
    assert model["threshold"] == artifact.threshold
    assert model["precision"] in list_supported()


def test_prediction_names_its_precision(stack: Stack, samples: list[Path]) -> None:
    """That of the worker, which its metrics name too, or float32 for a close call."""
    record = upload(stack, samples[1].read_bytes() + b"precision").json()
    model = requests.get(f"{stack.api_url}/v1/model", headers=stack.headers, timeout=5).json()
    assert record["prediction"]["precision"] in {model["precision"], "float32"}
    served = {"model": model["version"], "precision": model["precision"]}
    metrics = f"http://127.0.0.1:{stack.ports['WORKER_METRICS_PORT']}/metrics"
    scrape = requests.get(metrics, timeout=5).text
    assert read_value(scrape, "pneumonia_worker_model_info", **served) == 1


def test_full_size_uploads_are_judged(stack: Stack, xray_data: Path) -> None:
    """X-rays as hospitals store them; they belong to the training set, so no accuracy is read."""
    for path in sorted((xray_data / "kermany_originals").glob("*/*")):
        assert upload(stack, path.read_bytes()).json()["status"] == "done"


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "I;16", "CMYK"])
def test_every_kind_of_pixel_is_judged(stack: Stack, samples: list[Path], mode: str) -> None:
    """CMYK JPEG; 16-bit, palette and transparent PNG: a prediction, not an error."""
    with Image.open(samples[0]) as image:
        grey = image.resize((500, 400))
    if mode == "I;16":
        stored = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        stored = grey.convert(mode)
    file = io.BytesIO()
    stored.save(file, "JPEG" if mode == "CMYK" else "PNG")
    response = upload(stack, file.getvalue())
    assert response.json()["status"] == "done", response.text


def test_dots_are_no_chest_xray(stack: Stack, samples: list[Path]) -> None:
    """A one-bit PNG is read, and refused: black and white dots are not what the network knows."""
    file = io.BytesIO()
    with Image.open(samples[0]) as image:
        image.resize((500, 400)).convert("1").save(file, "PNG")
    record = upload(stack, file.getvalue()).json()
    assert record["status"] == "rejected"
    assert "chest X-ray" in record["reason"]


def test_nothing_malformed_ends_the_worker(stack: Stack, xray_data: Path) -> None:
    """Hundreds of broken files get a 4xx or a finished record, and the worker survives."""
    worker = find_worker(stack)
    folder = xray_data / "malformed_dev"
    with (folder / "manifest.csv").open() as file:
        names = [row["file"] for row in csv.DictReader(file)]
    seen: dict[str, int] = {}
    for name in names:
        response = upload(stack, (folder / name).read_bytes())
        body = response.json()
        if response.status_code == 200:
            outcome = body["status"]
            assert outcome in ("done", "rejected"), (name, body)
            assert outcome == "done" or body["reason"].endswith(".")
        else:
            outcome = body["error"]["code"]
            assert 400 <= response.status_code < 500, (name, body)
        seen[outcome] = seen.get(outcome, 0) + 1
    assert seen["unsupported_image"] > 50
    assert seen["rejected"] > 30  # damaged, or not a chest X-ray
    assert worker.is_running()


def test_worker_leaves_no_upload_behind(stack: Stack, samples: list[Path]) -> None:
    """The uploaded bytes are deleted with the end state; previews contain no names."""
    upload(stack, samples[1].read_bytes() + b"incoming")
    small = io.BytesIO()
    Image.radial_gradient("L").resize((50, 50)).save(small, "PNG")
    rejected = upload(stack, small.getvalue()).json()
    assert rejected["status"] == "rejected"
    assert "at least 100 pixels" in rejected["reason"]
    wait_until_deleted(stack.var / "images")


def test_metrics_count_what_was_judged(stack: Stack, samples: list[Path]) -> None:
    """The worker exposes how many X-rays ended how, and how long each step took."""
    upload(stack, samples[2].read_bytes() + b"metrics")
    text = requests.get(f"http://127.0.0.1:{stack.ports['WORKER_METRICS_PORT']}/metrics", timeout=5)
    assert 'pneumonia_worker_xrays_total{status="done"}' in text.text
    assert 'pneumonia_worker_step_seconds_bucket{le="0.005",step="predict"}' in text.text


def test_taken_metrics_port_is_reported_in_one_line(tmp_path: Path) -> None:
    """The worker exits at once and names the setting, instead of running unmonitored. It needs no
    API key and ignores the settings of other services."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {
            "VAR_DIR": str(tmp_path),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "SESSION_HOURS": "the API's",
            "WORKER_METRICS_PORT": str(port),
        }
        worker = subprocess.run(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "pneumonia_api.worker.tasks",
                "worker",
                "-P",
                "solo",
            ],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert worker.returncode == 1
    assert f"Port {port} for the worker's metrics" in worker.stderr
    assert "WORKER_METRICS_PORT" in worker.stderr
    assert "Traceback" not in worker.stderr


def test_killed_worker_loses_nothing(tmp_path: Path, samples: list[Path]) -> None:
    """SIGKILL while it holds X-rays: the next worker judges them all, each once."""
    with running_stack(tmp_path) as stack:
        worker = find_worker(stack)
        os.kill(worker.pid, signal.SIGSTOP)  # it receives tasks and finishes none
        data = [path.read_bytes() + b"killed" for path in samples]
        ids = [upload(stack, each, wait=0).json()["id"] for each in data[:6]]
        os.kill(worker.pid, signal.SIGCONT)
        upload(stack, data[6])
        os.kill(worker.pid, signal.SIGSTOP)
        ids += [upload(stack, each, wait=0).json()["id"] for each in data[7:]]
        os.kill(worker.pid, signal.SIGCONT)
        time.sleep(0.08)
        worker.kill()
        wait_until_ready(stack, ready=True)
        for xray_id in ids:
            for _ in range(4):
                record = requests.get(
                    f"{stack.api_url}/v1/xrays/{xray_id}?wait=30", headers=stack.headers, timeout=40
                ).json()
                if record["status"] != "queued":
                    break
            assert record["status"] == "done", record
        page = requests.get(f"{stack.api_url}/v1/xrays", headers=stack.headers, timeout=5).json()
        assert len(page["xrays"]) == len(data)
        assert find_worker(stack).pid != worker.pid
