"""Every query of every dashboard, against a Prometheus that monitors the running system."""

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
from monitoring.grafana.reading import BoardQuery, fill_in, list_queries, read_dashboards
from monitoring.grafana.render import main as render
from monitoring.metrics.textfile import GaugeFile
from tests.monitoring.conftest import SCRAPE_SECONDS
from tests.monitoring.watched import Watched
from tests.pneumonia_web.visitor import Visitor
from tests.stack import ROOT

BOARDS = read_dashboards()
QUERIES = [query for board in BOARDS.values() for query in list_queries(board)]
SEEN_SECONDS = 60
"""Far longer than the few scrapes that a rate needs, for a busy machine."""

NO_GPU = "there is no GPU here; the box is looked at by its exporter alone"
NONE_HERE = {
    ("training", "GPU utilisation"): NO_GPU,
    ("training", "GPU memory"): NO_GPU,
    ("training", "GPU power and temperature"): NO_GPU,
    ("hosts", "Certificate expires in"): "on one machine the site is plain HTTP",
    ("model", "Drift against the previous four weeks"): "it takes 500 X-rays and a day",
}
"""Panels without data on one machine, and why."""

QUIET = {
    ("overview", "Firing alerts"): "empty while all is well, which the panel says",
    **{(uid, "annotation Pages"): "drawn only when somebody was called" for uid in BOARDS},
}
"""Panels that are empty while all is well; earlier tests may have broken something."""


@pytest.fixture(scope="module")
def used(watched: Watched, samples: list[Path]) -> Watched:
    """The system after requests of a doctor and a machine, a scored folder and a training run."""
    stack = watched.stack
    file = stack.var / "metrics" / "training.prom"
    report_run(file, lambda: report_epochs(file))
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


def report_epochs(file: Path) -> Artifact:
    """Report the epochs of a run; the artifact is its result."""
    gauges = GaugeFile(file, GAUGES)
    gauges.set(EPOCH, 1)
    gauges.set(EPOCHS, 5)
    gauges.set(SPEED, 3.5)
    gauges.set(AUC, 0.9, "validation")
    gauges.write()
    return read_artifact(ROOT / "model" / "artifact")


def score_folder(var: Path, folder: Path) -> None:
    """Score the samples and report the progress."""
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
    """Send new X-rays, one twice, an unlike image, no image, and a clinician's review."""
    url, headers = f"{watched.stack.api_url}/v1/xrays", watched.stack.headers
    for path in [*samples[:4], samples[0]]:
        # Bytes after the image make it a new file: other tests may have sent the original.
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
    answer = requests.put(f"{url}/{record['id']}/review", json=review, headers=headers, timeout=40)
    assert answer.ok, answer.text


def ask(watched: Watched, query: BoardQuery) -> list[float]:
    """All values that the dashboard gets, over the last hour for a curve."""
    prometheus, now = Prometheus(watched.prometheus_url), time.time()
    # Every scrape for events: another test may have suspended the part soon after it started.
    step = SCRAPE_SECONDS if query.source.startswith("annotation") else 15
    expr = fill_in(query.expr, BOARDS[query.dashboard], 3600, step)
    if query.instant:
        answer = prometheus.query(expr, now)
    else:
        answer = prometheus.query_range(expr, now - 3600, now, step)
    return [value for one in answer for value in one.values if not math.isnan(value)]


@pytest.mark.parametrize(
    "query", [pytest.param(q, id=f"{q.dashboard}: {q.source}: {q.expr}") for q in QUERIES]
)
def test_question_is_answered(used: Watched, query: BoardQuery) -> None:
    """A query returns data, or none for the documented reason only."""
    if (query.dashboard, query.source) in QUIET:
        ask(used, query)
    elif (query.dashboard, query.source) in NONE_HERE:
        assert ask(used, query) == [], "there is data: take it off the list"
    elif "trained_timestamp" in query.expr:
        trained = read_artifact(ROOT / "model" / "artifact").training.get("trained_at")
        assert bool(ask(used, query)) == bool(trained), "it has a date if the artifact has one"
    else:
        assert ask(used, query)


def test_verdict_follows_what_clinicians_feel(used: Watched) -> None:
    """The largest tile of the wall screen shows 0 without a worker, and recovers with one."""
    [verdict] = [q.expr for q in QUERIES if q.source == "Status for clinicians"]
    used.wait_for(f"({verdict}) > 0", SEEN_SECONDS)
    with used.suspended("pneumonia_api.worker.tasks"):
        used.wait_for(f"({verdict}) == 0", SEEN_SECONDS)
    used.wait_for(f"({verdict}) > 0", SEEN_SECONDS)


def test_every_dashboard_is_drawn(used: Watched, tmp_path: Path) -> None:
    """The command of the README draws one picture for each dashboard."""
    assert render(["--prometheus", used.prometheus_url, "--out", str(tmp_path)]) == 0
    assert {file.stem for file in tmp_path.iterdir()} == set(BOARDS)
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in tmp_path.iterdir())


def test_unreachable_prometheus_is_reported_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is drawn, and the command exits with 1."""
    assert render(["--prometheus", "http://127.0.0.1:1", "--out", str(tmp_path)]) == 1
    errors = capsys.readouterr().err
    assert errors == "No Prometheus answers at http://127.0.0.1:1; start it, or name another one.\n"
    assert list(tmp_path.iterdir()) == []


def test_refused_expression_is_reported_with_the_reason(used: Watched) -> None:
    """The error contains the expression and Prometheus's reason."""
    with pytest.raises(PrometheusError, match=r"refuses sum by: .*parse error"):
        Prometheus(used.prometheus_url).query("sum by", time.time())
