"""Inference on many X-rays: Keras on a GPU, or the serving export on a CPU; the same network."""

import os
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import openvino

from model.serving.artifact import WEIGHTS_NAME, Artifact, read_artifact
from model.serving.compiled import compile_requests, split_outputs
from model.serving.density import read_density
from model.serving.golden import Output, check_answers, read_golden
from model.serving.precision import Precision, PrecisionSetting
from model.serving.predictor import open_network
from model.serving.rule import DecisionRule
from model.serving.trial import Forms


class Runtime(Protocol):
    """Runs the network in `precision`; `batch` is the number of X-rays to pass to `start`."""

    artifact: Artifact
    batch: int
    name: str
    precision: Precision

    def start(
        self, images: Sequence[np.ndarray], rule: DecisionRule | None = None
    ) -> Callable[[], list[Output]]:
        """Start inference on model inputs, (side, side, 1) float32 each.

        Returns a function that waits for their outputs, which are exact where `rule`, or that of
        the artifact, decides closely.
        """
        ...


class CpuStreams:
    """The serving export with one stream per core, fed by the threads of `pool`.

    Each stream takes `together` images per request, which costs 7 % less CPU time per image than
    single images, as in the worker; larger requests gain nothing. The precision is chosen as in the
    worker, and float32 answers close calls.
    """

    name = "CPU (OpenVINO)"
    together = 4

    def __init__(
        self,
        artifact_folder: Path,
        serving_folder: Path,
        pool: ThreadPoolExecutor,
        precision: PrecisionSetting = "auto",
    ) -> None:
        """Raises ArtifactError if the artifact or its export is missing, damaged or wrong."""
        cores = len(os.sched_getaffinity(0))
        self.batch = 2 * self.together * cores
        self.artifact = read_artifact(artifact_folder)
        network, self._mapped = open_network(self.artifact, artifact_folder, serving_folder)
        golden = read_golden(artifact_folder, self.artifact)
        self._forms = Forms(self.artifact, golden, network, cores, precision)
        self.precision = self._forms.precision
        network.reshape([self.together, *network.input(0).shape[1:]])
        self._free: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        hint: dict[str, str | int] = {"NUM_STREAMS": cores}
        for request in compile_requests(network, hint, cores, cores, self.precision):
            self._free.put(request)
        self._pool = pool

    def start(
        self, images: Sequence[np.ndarray], rule: DecisionRule | None = None
    ) -> Callable[[], list[Output]]:
        """See Runtime."""
        started = [
            self._pool.submit(self._infer, images[first : first + self.together], rule)
            for first in range(0, len(images), self.together)
        ]
        return lambda: [output for future in started for output in future.result()]

    def _infer(self, images: Sequence[np.ndarray], rule: DecisionRule | None) -> list[Output]:
        request = self._free.get()
        try:
            outputs = request.infer({0: _fill(images, self.together)}, share_inputs=True)
            found = split_outputs(outputs, self.precision)[: len(images)]
        finally:
            self._free.put(request)
        return [self._forms.confirm(*pair, rule) for pair in zip(images, found, strict=True)]


class GpuBatches:
    """The Keras network, in batches of one size, in its own thread."""

    name = "GPU (Keras)"
    batch = 64
    precision: Precision = "float32"

    def __init__(self, artifact_folder: Path) -> None:
        """Raises ArtifactError if the artifact is missing."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        # Takes seconds to import, and is needed on a GPU only.
        import tensorflow as tf  # noqa: PLC0415

        from model.network.gradcam import build_serving_network  # noqa: PLC0415
        from model.network.graph import load_network  # noqa: PLC0415

        self.artifact = read_artifact(artifact_folder)
        # TensorFloat-32 has a mantissa of ten bits, so results would depend on the GPU.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self._network = build_serving_network(
            load_network(artifact_folder / WEIGHTS_NAME), read_density(artifact_folder)
        )
        self._thread = ThreadPoolExecutor(1)

    def start(
        self, images: Sequence[np.ndarray], rule: DecisionRule | None = None
    ) -> Callable[[], list[Output]]:
        """See Runtime; all is exact here."""
        del rule
        return self._thread.submit(self._infer, images).result

    def _infer(self, images: Sequence[np.ndarray]) -> list[Output]:
        if not images:
            return []
        outputs = self._network.predict_on_batch(_fill(images, self.batch))
        arrays = {name: np.asarray(values) for name, values in outputs.items()}
        return split_outputs(arrays, self.precision)[: len(images)]


def _fill(images: Sequence[np.ndarray], size: int) -> np.ndarray:
    """A batch padded to `size`, because each new size would compile and tune the graph again."""
    full = np.zeros((max(size, len(images)), *images[0].shape), np.float32)
    full[: len(images)] = images
    return full


def choose_runtime(
    artifact_folder: Path,
    serving_folder: Path,
    pool: ThreadPoolExecutor,
    precision: PrecisionSetting,
) -> Runtime:
    """Keras in float32 if it sees a GPU, else the serving export.

    Raises ArtifactError, also if its answers differ from those that the training run recorded.
    """
    runtime: Runtime = (
        GpuBatches(artifact_folder)
        if _has_gpu()
        else CpuStreams(artifact_folder, serving_folder, pool, precision)
    )
    golden = read_golden(artifact_folder, runtime.artifact)
    check_answers(golden, runtime.start([*golden.inputs.astype(np.float32)])(), runtime.name)
    return runtime


def _has_gpu() -> bool:
    if not any(Path("/dev").glob("nvidia[0-9]*")):
        return False  # no driver: do not import TensorFlow just to ask
    import tensorflow as tf  # noqa: PLC0415

    return bool(tf.config.list_physical_devices("GPU"))
