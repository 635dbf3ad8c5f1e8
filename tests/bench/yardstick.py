"""The yardstick: what one X-ray costs without any service around the model.

    python -m tests.bench.yardstick MODEL_DIR SERVING_DIR IMAGES auto

Answers `{"start": 0, "count": 16, "threads": 1}` with the seconds of each `read_xray`,
`Predictor.predict` and `encode_preview`, those of the whole block, and the precision, which is
that of the setting (`model.serving.precision`), the last argument. More threads overlap
the decoding of one image with the inference of another: the best that a service could reach.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from model.reading.xray import encode_preview, read_xray
from model.serving.precision import PrecisionSetting
from model.serving.predictor import Predictor
from tests.bench.images import Images
from tests.bench.sides import serve


def main(model_dir: Path, serving_dir: Path, folder: Path, setting: PrecisionSetting) -> None:
    """Load once, then measure on request."""
    images = Images(folder)
    predictor = Predictor(model_dir, serving_dir, precision=setting)

    def measure_one(number: int) -> float:
        data = images.read(number)
        started = time.perf_counter()
        image = read_xray(data)
        predictor.predict(image)
        encode_preview(image)
        return time.perf_counter() - started

    def measure(start: int, count: int, threads: int = 1) -> dict[str, Any]:
        numbers = range(start, start + count)
        started = time.perf_counter()
        if threads == 1:
            seconds = [measure_one(number) for number in numbers]
        else:
            with ThreadPoolExecutor(threads) as pool:
                seconds = list(pool.map(measure_one, numbers))
        elapsed = time.perf_counter() - started
        return {"seconds": seconds, "elapsed": elapsed, "precision": predictor.precision}

    serve(measure)


if __name__ == "__main__":
    model_dir, serving_dir, folder, precision = sys.argv[1:]
    main(Path(model_dir), Path(serving_dir), Path(folder), precision)
