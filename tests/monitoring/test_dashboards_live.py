"""Every question of every dashboard, asked of a Prometheus that watches the running system."""

import io
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from model.serving.artifact import Artifact, read_artifact
from model.training.metrics import AUC, EPOCH, EPOCHS, GAUGES, SPEED, report_run
from monitoring.grafana.prometheus import Prometheus, PrometheusError
from monitoring.grafana.reading import Question, fill_in, list_questions, read_dashboards
from monitoring.grafana.render import main as render
from monitoring.metrics.textfile import GaugeFile
from tests.monitoring.conftest import SCRAPE_SECONDS
from tests.monitoring.watched import Watched
from tests.pneumonia_web.visitor import Visitor
from tests.stack import ROOT

BOARDS = read_dashboards()
QUESTIONS = [question for board in BOARDS.values() for question in list_questions(board)]
SEEN_SECONDS = 60
"""Far above the few scrapes after which a rate is there, for a busy machine."""

NO_GPU = "there is no GPU here; the box is looked at by its exporter alone"
NONE_HERE = {
    ("training", "GPU utilisation"): NO_GPU,
    ("training", "GPU memory"): NO_GPU,
    ("training", "GPU power and temperature"): NO_GPU,
    ("hosts", "Certificate expires in"): "on one machine the site is plain HTTP",
    ("model", "Drift against the previous four weeks"): "it takes 500 X-rays and a day",
}
"""What nothing can be known of on one machine, and why; each was read by a person."""

QUIET = {
    ("overview", "Firing alerts"): "empty while all is well, which the panel says",
    **{(uid, "annotation Pages"): "drawn only when somebody was called" for uid in BOARDS},
}
"""What is empty as long as nothing is wrong; other tests may have broken something before."""


@pytest.fixture(scope="module")
def used(watched: Watched, samples: list[Path]) -> Watched:
    """The system after a doctor, a machine, a scored folder and a training run."""
    stack = watched.stack
    file = stack.var / "metrics" / "training.prom"
    report_run(file, lambda: tell_epochs(file))
    score_folder(stack.var, samples[0].parent)
    doctor = Visitor(stack.url)
    assert doctor.log_in(stack.user, "wrong").status_code == 401
    doctor.log_in(stack.user, stack.password)
    send_xrays(watched, samples)
    watched.wait_for("sum(rate(pneumonia_worker_xrays_total[1m])) > 0", SEEN_SECONDS)
    watched.wait_for("sum(increase(pneumonia_worker_refusals_total[1m])) > 0", SEEN_SECONDS)
    watched.wait_for('pneumonia_reviews{label="normal"} > 0', SEEN_SECONDS)
    watched.wait_for('pneumonia_batch_files{status="done"} == 16', SEEN_SECONDS)
    return watched


def tell_epochs(file: Path) -> Artifact:
    """What a run tells of its epochs, and the artifact that it ends with."""
    gauges = GaugeFile(file, GAUGES)
    gauges.set(EPOCH, 1)
    gauges.set(EPOCHS, 5)
    gauges.set(SPEED, 3.5)
    gauges.set(AUC, 0.9, "validation")
    gauges.write()
    return read_artifact(ROOT / "model" / "artifact")


def score_folder(var: Path, folder: Path) -> None:
    """`pneumonia_api.batch.run` over the samples, telling its progress."""
    subprocess.run(
        [
            *(sys.executable, "-m", "model.inference", "--data", str(folder)),
            *("--metrics", str(var / "metrics" / "batch.prom")),
        ],
        env={**os.environ, "VAR_DIR": str(var), "SERVING_DIR": str(ROOT / "var" / "serving")},
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )


def send_xrays(watched: Watched, samples: list[Path]) -> None:
    """New ones, one again, an image of something else, no image, and a clinician's reading."""
    url, headers = f"{watched.stack.api_url}/v1/xrays", watched.stack.headers
    for path in [*samples[:4], samples[0]]:
        # Bytes behind the picture make it another file: others may have sent it before.
        data = path.read_bytes() + b"dashboards"
        files = {"xray": data}
        record = requests.post(f"{url}?wait=30", files=files, headers=headers, timeout=40).json()
        assert record["status"] == "done", record
    noise = io.BytesIO()
    grey = np.random.default_rng(5).integers(0, 256, (400, 400), np.uint8)
    Image.fromarray(grey).save(noise, "PNG")
    files = {"xray": noise.getvalue()}
    unlike = requests.post(f"{url}?wait=30", files=files, headers=headers, timeout=40).json()
    assert unlike["status"] == "rejected", unlike
    refused = requests.post(url, files={"xray": b"no image"}, headers=headers, timeout=40)
    assert refused.status_code == 415
    review = {"label": "normal", "note": ""}
    said = requests.put(f"{url}/{record['id']}/review", json=review, headers=headers, timeout=40)
    assert said.ok, said.text


def ask(watched: Watched, question: Question) -> list[float]:
    """All numbers that the dashboard gets, over the last hour where it draws a curve."""
    prometheus, now = Prometheus(watched.prometheus_url), time.time()
    # Every scrape of events: what began may have been suspended by another test soon after.
    step = SCRAPE_SECONDS if question.asker.startswith("annotation") else 15
    expr = fill_in(question.expr, BOARDS[question.dashboard], 3600, step)
    if question.instant:
        answer = prometheus.query(expr, now)
    else:
        answer = prometheus.query_range(expr, now - 3600, now, step)
    return [value for one in answer for value in one.values if not math.isnan(value)]


@pytest.mark.parametrize(
    "question", [pytest.param(q, id=f"{q.dashboard}: {q.asker}: {q.expr}") for q in QUESTIONS]
)
def test_question_is_answered(used: Watched, question: Question) -> None:
    """With data, or with none for the reason that is written down, and for that alone."""
    if (question.dashboard, question.asker) in QUIET:
        ask(used, question)
    elif (question.dashboard, question.asker) in NONE_HERE:
        assert ask(used, question) == [], "there is data: take it off the list"
    elif "trained_timestamp" in question.expr:
        trained = read_artifact(ROOT / "model" / "artifact").training.get("trained_at")
        assert bool(ask(used, question)) == bool(trained), "told when the artifact tells"
    else:
        assert ask(used, question)


def test_verdict_follows_what_clinicians_feel(used: Watched) -> None:
    """The largest tile of the wall screen: without a worker nothing works, and again with one."""
    [verdict] = [q.expr for q in QUESTIONS if q.asker == "Status for clinicians"]
    used.wait_for(f"({verdict}) > 0", SEEN_SECONDS)
    with used.suspended("pneumonia_api.worker.tasks"):
        used.wait_for(f"({verdict}) == 0", SEEN_SECONDS)
    used.wait_for(f"({verdict}) > 0", SEEN_SECONDS)


def test_every_dashboard_is_drawn(used: Watched, tmp_path: Path) -> None:
    """One picture each, by the command of the README."""
    assert render(["--prometheus", used.prometheus_url, "--out", str(tmp_path)]) == 0
    assert {file.stem for file in tmp_path.iterdir()} == set(BOARDS)
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in tmp_path.iterdir())


def test_prometheus_that_is_not_there_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is drawn."""
    assert render(["--prometheus", "http://127.0.0.1:1", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said == "No Prometheus answers at http://127.0.0.1:1; start it, or name another one.\n"
    assert list(tmp_path.iterdir()) == []


def test_refused_expression_is_told_with_the_reason(used: Watched) -> None:
    """What a person needs who wrote it."""
    with pytest.raises(PrometheusError, match=r"refuses sum by: .*parse error"):
        Prometheus(used.prometheus_url).query("sum by", time.time())
