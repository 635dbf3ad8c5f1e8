"""Throughput on this CPU of `Predictor.predict` alone and of all of `model.inference`.

    python -m tests.bench.scoring_side REDIS_URL MODEL_DIR SERVING_DIR IMAGES SCRATCH

Answers `{"what": "predict" or "score", "start": 0, "count": 32}` with its seconds, by the clock and
of processor time. `predict` gets decoded X-rays; `score` gets files, each with different bytes, and
reads, decodes, predicts, makes and stores previews and records.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import redis

from model.reading.xray import MAX_PIXELS, read_xray
from model.serving.predictor import Predictor
from pneumonia_api.batch.intake import Intake
from pneumonia_api.batch.run import count_threads
from pneumonia_api.batch.runtimes import CpuStreams
from pneumonia_api.batch.scoring import Scorer
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.xrays import XrayStore
from tests.bench.images import Images
from tests.bench.sides import serve

MAX_BYTES = 25 << 20


def main(redis_url: str, model_dir: Path, serving_dir: Path, folder: Path, scratch: Path) -> None:
    """Load once, then measure on request."""
    images = Images(folder)
    predictor = Predictor(model_dir, serving_dir)
    decoded = [read_xray(images.read(number)) for number in range(len(images))]
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    xrays, store = XrayStore(client), ImageStore(scratch.as_uri())
    pool = ThreadPoolExecutor(count_threads())
    runtime = CpuStreams(model_dir, serving_dir, pool)
    scorer = Scorer(xrays, store, runtime, pool, MAX_PIXELS)

    def predict(count: int) -> float:
        started = time.perf_counter()
        for number in range(count):
            predictor.predict(decoded[number % len(decoded)])
        return time.perf_counter() - started

    def score(start: int, count: int) -> float:
        with tempfile.TemporaryDirectory(dir=scratch) as data:
            paths = [Path(data, f"{number}.jpg") for number in range(start, start + count)]
            for number, path in enumerate(paths, start):
                path.write_bytes(images.read(number))
            started = time.perf_counter()
            intake = Intake(xrays, pool, runtime.artifact.version, MAX_BYTES)
            stored = sum(len(files) for files in scorer.run(intake, paths))
            elapsed = time.perf_counter() - started
        if stored != count:
            raise RuntimeError(f"{stored} of {count} files were scored")
        return elapsed

    def measure(what: str, start: int, count: int) -> dict[str, Any]:
        cpu = time.process_time()
        elapsed = predict(count) if what == "predict" else score(start, count)
        return {"elapsed": elapsed, "cpu": time.process_time() - cpu}

    serve(measure)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
