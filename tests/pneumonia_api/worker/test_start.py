"""A worker that cannot load its model ends with a sentence, and never takes a task."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest
import redis

from model.serving.artifact import read_artifact
from model.serving.export import GRAPH_NAME, WEIGHTS_NAME, write_export_manifest
from pneumonia_api.records import keys
from pneumonia_api.records.publishing import create_queue, publish
from tests.stack import ROOT, free_ports

MODEL = ROOT / "model" / "artifact"
XRAY = "0" * 32


def damage_graph(export: Path) -> None:
    """The graph has lost a few bytes; its digest differs."""
    graph = (export / GRAPH_NAME).read_text()
    (export / GRAPH_NAME).write_text(graph.replace("<layer", "<lyer", 40))


def cut_weights(export: Path) -> None:
    """An interrupted copy."""
    os.truncate(export / WEIGHTS_NAME, 50_000_000)


def empty_weights(export: Path) -> None:
    """A power cut."""
    os.truncate(export / WEIGHTS_NAME, 0)


def record_damaged_graph(export: Path) -> None:
    """The digests match, but OpenVINO cannot parse the graph."""
    damage_graph(export)
    write_export_manifest(export, export.name)


def export_another(export: Path) -> None:
    """A complete export of a network with other outputs."""
    functions = openvino.opset13
    xray = functions.parameter([1, 224, 224, 1], np.float32, name="xray")
    mean = functions.reduce_mean(xray, np.array([1, 2, 3]), keep_dims=False)
    openvino.save_model(openvino.Model([mean], [xray]), export / GRAPH_NAME)
    write_export_manifest(export, export.name)


def lose_manifest(export: Path) -> None:
    """An export of an earlier release."""
    (export / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (damage_graph, "is damaged: its digest differs"),
        (cut_weights, "is damaged: its digest differs"),
        (empty_weights, "cannot be read; make it with"),
        (record_damaged_graph, "cannot be opened by OpenVINO"),
        (export_another, "is not of this network"),
        (lose_manifest, "manifest.json is missing; make it with"),
    ],
)
def test_worker_without_a_model_takes_no_task(
    harm: Callable[[Path], None],
    sentence: str,
    client: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    whole_export: Path,
) -> None:
    """A real worker process: exit code 1, one sentence, and the task is still in the queue."""
    export = tmp_path / "serving" / read_artifact(MODEL).version
    shutil.copytree(whole_export, export)
    harm(export)
    with create_queue() as queue:
        publish(client, queue, XRAY)
    settings = {
        "VAR_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
        "API_KEY": "key-of-the-test",
        "SERVING_DIR": str(export.parent),
        "WORKER_METRICS_PORT": str(free_ports()["WORKER_METRICS_PORT"]),
    }
    command = [sys.executable, "-m", "celery", "-A", "pneumonia_api.worker.tasks", "worker"]
    worker = subprocess.run(
        [*command, "--pool", "threads", "--concurrency", "1", "--queues", keys.QUEUE],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert worker.returncode == 1
    assert "The worker has no model to serve:" in worker.stderr
    assert sentence in worker.stderr
    assert "Traceback" not in worker.stderr
    assert client.llen(keys.QUEUE) == 1
    assert client.hlen("unacked") == 0
