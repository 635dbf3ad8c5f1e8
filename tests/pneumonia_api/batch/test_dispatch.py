"""`pneumonia_api.batch.run` and the running system: its workers, worklist and predictions."""

import hashlib
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import requests

from pneumonia_api.batch.run import main
from tests.pneumonia_api.batch.server import Server, arguments
from tests.pneumonia_api.kept_uploads import wait_until_deleted
from tests.pneumonia_api.records.indexed import read_records
from tests.stack import ROOT, Stack


def test_workers_score_a_folder(stack: Stack, tmp_path: Path, samples: list[Path]) -> None:
    """With `--celery` real workers fill the worklist, and a second run sends nothing."""
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
            timeout=900,  # the scores alone take minutes on a shared processor
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
    wait_until_deleted(stack.var / "images")
    assert "17 judged or rejected by an earlier run" in run()


def test_record_is_that_of_an_upload(
    stack: Stack, server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same fields, and the same numbers up to the last digit.

    In the precision that the worker chose: which one is fastest can change on a busy machine.
    """
    data = next(iter(sorted((folder / "NORMAL").iterdir()))).read_bytes()
    uploaded = requests.post(
        f"{stack.api_url}/v1/xrays?wait=30",
        files={"xray": ("xray.jpg", data + b"upload")},
        headers=stack.headers,
        timeout=40,
    ).json()
    monkeypatch.setenv("PRECISION", uploaded["prediction"]["precision"])
    main(arguments(server, folder, tmp_path / "images"))
    digest = hashlib.sha256(data).hexdigest()
    (batch,) = [xray for xray in read_records(server.client).values() if xray.digest == digest]
    assert batch.prediction and batch.quality
    ours, theirs = asdict(batch.prediction), uploaded["prediction"]
    assert set(ours) == set(theirs)
    assert ours["probability"] == pytest.approx(theirs["probability"], abs=1.1e-4)
    np.testing.assert_allclose(ours["heatmap"], theirs["heatmap"], atol=2e-3)
    assert {k: ours[k] for k in ("decision", "threshold", "model", "precision")} == {
        k: theirs[k] for k in ("decision", "threshold", "model", "precision")
    }
    assert asdict(batch.quality) == uploaded["quality"]
