"""`model.cnn` on several sources: a folder, another hospital's labels, and what readers said."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from apiflask import APIFlask
from PIL import Image

from model.evaluation.sources import SOURCES_NAME
from model.serving.artifact import read_artifact
from pneumonia_api.records.record import new_xray
from tests.model.test_cnn import run, write_adults
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.conftest import app, call, client, redis_url
from tests.pneumonia_api.records.judged import done

__all__ = ["app", "call", "client", "redis_url"]
"""Fixtures: the API without a worker."""


def send_and_read(app: APIFlask, call: Call, folder: Path) -> Path:
    """The service's export beside ten films of ten patients, each read by somebody who had not seen
    the AI result; but for one who had, so that it is no label, and one film that got lost."""
    folder.mkdir()
    random = np.random.default_rng(2)
    for number in range(10):
        patches = Image.fromarray(random.integers(0, 255, (8, 8), np.uint8))
        file = folder / f"film {number}.png"
        patches.resize((100, 128)).save(file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        xray = done(new_xray("doctor", digest, f"RX {number}"))
        app.extensions["xrays"].add(xray)
        ai = "shown" if number == 8 else "hidden"
        entry = {"label": ("normal", "pneumonia")[number % 2], "seen": 0, "ai": ai}
        path = f"/v1/xrays/{xray.id}/readings"
        assert call("ann", "POST", path, json=entry).status_code == 201
    file.unlink()
    (folder / "reviews.csv").write_bytes(call("lead", "GET", "/v1/reviews.csv").data)
    return folder / "reviews.csv"


def test_several_sources_are_trained_on_together(
    app: APIFlask,
    call: Call,
    made_data: Path,
    made_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder, a CSV file, which has no test, and the service's own export, as it was answered:
    the figures of each are kept apart."""
    adults, out = write_adults(tmp_path / "adults", 4, 4), tmp_path / "out"
    reviews = send_and_read(app, call, tmp_path / "films")
    more = ["--data", adults, "--data", reviews, "--ages", "1-120", "--cache-features"]
    assert run(made_data, made_weights, out, *more, "--views", 2) == 0
    printed = capsys.readouterr().out
    assert "1 X-rays left out with the label tuberculosis" in printed
    assert "1 X-rays left out with the label unknown" in printed
    assert "1 X-rays left out whose file is not there" in printed
    artifact = read_artifact(out)
    assert artifact.training["images"] == {"train": 18, "validation": 6}
    assert artifact.scores["test"]["images"] == 4
    scores = json.loads((out / SOURCES_NAME).read_text())
    assert set(scores["validation"]) == {
        *("source adults", "source kermany", "source reviews", "age 18-64", "age unknown"),
    }
    assert scores["validation"]["source adults"]["pneumonias"] == 1
    assert scores["validation"]["source reviews"]["pneumonias"] == 1
    assert set(scores["test"]) == {"source kermany", "age unknown"}
