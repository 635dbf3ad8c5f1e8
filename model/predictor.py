"""An artifact, ready to answer: `Predictor.predict` turns an X-ray into a `Prediction`.

Runs the exported network in OpenVINO; knows no Flask, no Redis and no TensorFlow.
"""

import mmap
import os
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openvino

from model.artifact import Artifact, ArtifactError, read_artifact
from model.cage import CagedXray
from model.xray import INPUT_MARGIN, Xray, model_input

WORKER_STREAMS = 3
"""Images at once when callers meet: as many as a worker has threads, for each costs memory."""

REFUSAL = (
    "This does not look like a frontal chest X-ray, so it was not judged; check that the right "
    "image was sent."
)
WARNING = (
    "The image is unlike most chest X-rays that the network has seen; do not rely on the result."
)


@dataclass(frozen=True)
class Prediction:
    """The answer for one X-ray.

    `probability` of pneumonia is calibrated; `decision` is "pneumonia" when it reaches `threshold`,
    else "normal"; `model` is the artifact's version; `heatmap` is 16 rows of 16 numbers, 0 to 1:
    Grad-CAM over the whole image, top left first. `ood` tells how unlike a chest X-ray the image
    is: above 1, `refusal` says why the rest is not to be shown; somewhat below, `warning` does not
    trust it.
    """

    probability: float
    decision: str
    threshold: float
    model: str
    heatmap: list[list[float]]
    ood: float
    refusal: str | None
    warning: str | None


class Output(NamedTuple):
    """What the network gives: logit, (14, 14) Grad-CAM in its units, distance of `model.ood`."""

    logit: float
    heatmap: np.ndarray
    distance: float


class Predictor:
    """The compiled network; safe to call from several threads.

    A lone caller gets all cores, which answers soonest. Callers who meet get one core each: two
    images on two cores side by side finish sooner than one after the other on both, because
    threads that share one image wait for each other.
    """

    def __init__(self, artifact_folder: Path, serving_folder: Path) -> None:
        """Load the artifact's export and warm it up.

        Raises ArtifactError in one sentence when the artifact or its export is missing.
        """
        self.artifact: Artifact = read_artifact(artifact_folder)
        file = find_export(self.artifact, artifact_folder, serving_folder)
        cores = len(os.sched_getaffinity(0))
        streams = min(cores, WORKER_STREAMS)
        with file.with_suffix(".bin").open("rb") as weights:
            mapped = mmap.mmap(weights.fileno(), 0, access=mmap.ACCESS_COPY)
        self._mapped = np.frombuffer(mapped, np.uint8)  # kept: the network does not own its weights
        core = openvino.Core()
        network = core.read_model(
            file.read_text(), openvino.Tensor(self._mapped, shared_memory=True)
        )
        [self._wide] = compile_requests(core, network, {"PERFORMANCE_HINT": "LATENCY"}, cores, 1)
        self._narrow: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        for request in compile_requests(core, network, {"NUM_STREAMS": streams}, streams, streams):
            self._narrow.put(request)
        # Each has its own copy of the weights by now, in its kernels' own order: the file's 100 MB
        # need not stay in memory, and would be read again if they were asked for.
        mapped.madvise(mmap.MADV_DONTNEED)
        self._callers = 0
        self._lock = threading.Lock()

    def infer(self, image: np.ndarray) -> Output:
        """(224, 224, 1) float32 grey -> what the network makes of it, uncalibrated."""
        with self._borrow() as request:
            return split_outputs(request.infer({0: image[None]}, share_inputs=True))[0]

    @contextmanager
    def _borrow(self) -> Iterator[openvino.InferRequest]:
        """The request on all cores for who comes alone, else the next free one of the others."""
        with self._lock:
            alone = self._callers == 0
            self._callers += 1
        try:
            if alone:
                yield self._wide
            else:
                request = self._narrow.get()
                try:
                    yield request
                finally:
                    self._narrow.put(request)
        finally:
            with self._lock:
                self._callers -= 1

    def predict(self, xray: Xray | CagedXray) -> Prediction:
        """Probability, decision and heat map of one X-ray, from one forward pass.

        A cage has made the network's input already, in its own process.
        """
        if isinstance(xray, CagedXray):
            return conclude(self.artifact, self.infer(xray.input))
        return conclude(self.artifact, self.infer(model_input(xray, self.artifact.input_side)))


def find_export(artifact: Artifact, artifact_folder: Path, serving_folder: Path) -> Path:
    """The network that was exported of `artifact`. Raises ArtifactError when there is none."""
    file = serving_folder / artifact.version / "model.xml"
    if not file.is_file():
        raise ArtifactError(
            f"The serving export {file} is missing; make it with `python -m model.network "
            f"--artifact {artifact_folder} --out {serving_folder}`."
        )
    return file


def split_outputs(outputs: Mapping[str, np.ndarray]) -> list[Output]:
    """Of each image in a batch, in copies that outlive the request."""
    logits, heatmaps, distances = (outputs[name] for name in ("logit", "heatmap", "distance"))
    return [
        Output(float(logits[i, 0]), heatmaps[i].copy(), float(distances[i]))
        for i in range(len(logits))
    ]


def compile_requests(
    core: openvino.Core,
    network: openvino.Model,
    hint: dict[str, str | int],
    threads: int,
    requests: int,
) -> list[openvino.InferRequest]:
    """Warm requests of the network, compiled for so many threads in all."""
    # Newer CPUs would round to bfloat16, and answers would depend on the machine.
    options = {**hint, "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(network, "CPU", options)
    made = [compiled.create_infer_request() for _ in range(requests)]
    for request in made:
        request.infer({0: np.zeros(compiled.input(0).shape, np.float32)})
    return made


def conclude(artifact: Artifact, output: Output) -> Prediction:
    """The network's output -> the answer."""
    calibration = artifact.calibration
    calibrated = calibration["scale"] * output.logit + calibration["offset"]
    probability = float(0.5 * (1 + np.tanh(0.5 * calibrated)))
    # The network does not see a sixteenth at each edge: one cell more on each side of its 14.
    heatmap = np.pad(output.heatmap, round(len(output.heatmap) / (1 / INPUT_MARGIN - 2)))
    # Below the usual strength of a pneumonia's map, weak stays weak: scaling each image to its
    # own peak would light up a normal lung.
    strength = heatmap / max(float(heatmap.max()), artifact.heatmap_reference, 1e-6)
    refused = output.distance > artifact.ood["limit"]
    doubted = not refused and output.distance > artifact.ood["warning"]
    return Prediction(
        probability=round(probability, 4),
        decision=artifact.classes[int(probability >= artifact.threshold)],
        threshold=artifact.threshold,
        model=artifact.version,
        heatmap=[[round(float(value), 3) for value in row] for row in strength],
        ood=round(output.distance / artifact.ood["limit"], 3),
        refusal=REFUSAL if refused else None,
        warning=WARNING if doubted else None,
    )
