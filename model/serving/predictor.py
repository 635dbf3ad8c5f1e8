"""An artifact ready for inference: `Predictor.predict` turns an X-ray into a `Prediction`.

Runs the exported network in OpenVINO; imports neither Flask, Redis nor TensorFlow.
"""

import mmap
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import openvino

from model.cage.pool import CagedXray
from model.reading.ages import AgeBand
from model.reading.xray import INPUT_MARGIN, XrayImage, model_input
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from model.serving.compiled import compile_requests, infer_one
from model.serving.core import get_core
from model.serving.export import read_export
from model.serving.finding import Finding, UncertainBand, find
from model.serving.golden import Output, read_golden
from model.serving.precision import Precision, PrecisionSetting
from model.serving.rule import DecisionRule, rule_of
from model.serving.trial import Forms

WORKER_STREAMS = 3
"""Images at a time under concurrent calls: as many as a worker has threads; each takes memory."""

HEATMAP_ROWS = 16
"""Rows and columns of every heat map in the API, independent of the network's grid."""

MAKE_AGAIN = "make it again with `python -m model.network`, or fetch it by a restart"

REFUSAL = (
    "This does not look like a frontal chest X-ray, so it was not analysed; check that the "
    "right image was sent."
)
WARNING = (
    "The image is unlike most chest X-rays that the network has seen; do not rely on the result."
)


@dataclass(frozen=True)
class Prediction:
    """The answer for one X-ray.

    `probability` of pneumonia is calibrated; `decision` is "pneumonia" when it reaches `threshold`,
    else "normal"; `model` is the artifact's version; `heatmap` is 16 rows of 16 numbers, 0 to 1:
    Grad-CAM over the whole image, top left first. `ood` measures how unlike a chest X-ray the image
    is. Above 1 `refusal` is a sentence, and the rest must not be shown; somewhat below 1 `warning`
    is one. `precision` is that of the computation. `finding` is what to show: it is uncertain in
    the band `uncertain` around the threshold. `ages` are those that the model is for. `profile` is
    the site's profile by which probability, threshold and band are, if one is applied; then
    `model_probability` is that of the artifact's own calibration.
    """

    probability: float
    decision: str
    threshold: float
    model: str
    heatmap: list[list[float]]
    ood: float
    refusal: str | None
    warning: str | None
    precision: Precision
    finding: Finding
    uncertain: UncertainBand | None = None
    ages: AgeBand | None = None
    profile: str | None = None
    model_probability: float | None = None


class Predictor:
    """The compiled network; thread-safe.

    Concurrent callers get one core each: two images in parallel on one core each finish sooner than
    in sequence on two, because threads that share one image wait for each other. In float32 a
    single caller gets all cores, by the request that is loaded for close calls anyway. In bfloat16
    that would cost 74 MB and gain nothing, because meanwhile another core makes the preview.
    """

    def __init__(
        self,
        artifact_folder: Path,
        serving_folder: Path,
        *,
        precision: PrecisionSetting = "auto",
    ) -> None:
        """Load the artifact's export, warm it up, and compare its outputs with those recorded.

        Raises ArtifactError when a file is missing, damaged or of another model, and its subclass
        PrecisionUnavailable when this machine does not compute in the `precision` that is set.
        """
        self.artifact: Artifact = read_artifact(artifact_folder)
        golden = read_golden(artifact_folder, self.artifact)
        network, mapped = open_network(self.artifact, artifact_folder, serving_folder)
        self._mapped = mapped  # the network does not own its weights
        cores = len(os.sched_getaffinity(0))
        streams = min(cores, WORKER_STREAMS)
        self._forms = Forms(self.artifact, golden, network, cores, precision)
        self.precision = self._forms.precision
        self.trials = self._forms.trials
        self._narrow: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        hint: dict[str, str | int] = {"NUM_STREAMS": streams}
        for request in compile_requests(network, hint, streams, streams, self.precision):
            self._narrow.put(request)
        # Each request has its own copy of the weights by now, in the layout of its kernels. So the
        # file's 100 MB may leave memory; a later access would read them again.
        mapped.madvise(mmap.MADV_DONTNEED)
        self._callers = 0
        self._lock = threading.Lock()

    def infer(self, image: np.ndarray) -> Output:
        """(side, side, 1) float32 grey -> the network's output, uncalibrated, in `precision`."""
        with self._borrow() as request:
            return infer_one(request, image, self.precision)

    @contextmanager
    def _borrow(self) -> Iterator[openvino.InferRequest]:
        """In float32 the request on all cores for a single caller, else the next free one."""
        with self._lock:
            alone = self._callers == 0
            self._callers += 1
        try:
            if alone and self.precision == "float32":
                yield self._forms.reference
            else:
                request = self._narrow.get()
                try:
                    yield request
                finally:
                    self._narrow.put(request)
        finally:
            with self._lock:
                self._callers -= 1

    def predict(self, xray: XrayImage | CagedXray, rule: DecisionRule | None = None) -> Prediction:
        """Probability, decision and heat map of one X-ray; a close call takes a second pass.

        `rule` is that of the artifact unless it is given.
        """
        return conclude(self.artifact, self.judge(xray, rule), rule)

    def judge(self, xray: XrayImage | CagedXray, rule: DecisionRule | None = None) -> Output:
        """As `confirm`, for one X-ray; a CagedXray holds the input already."""
        if isinstance(xray, CagedXray):
            return self.confirm(xray.input, rule)
        return self.confirm(model_input(xray, self.artifact.input_side), rule)

    def confirm(self, image: np.ndarray, rule: DecisionRule | None = None) -> Output:
        """As `infer`; computed again in float32 where rounding might have changed a decision."""
        return self._forms.confirm(image, self.infer(image), rule)


def open_network(
    artifact: Artifact, artifact_folder: Path, serving_folder: Path
) -> tuple[openvino.Model, mmap.mmap]:
    """The exported network of `artifact`, and its mapped weights, which must outlive it.

    Raises ArtifactError when the export is missing or damaged, or has other inputs and outputs than
    serving needs.
    """
    graph, mapped = read_export(artifact, artifact_folder, serving_folder)
    where = f"The serving export {serving_folder / artifact.version}"
    try:
        network = get_core().read_model(
            graph.decode(), openvino.Tensor(np.frombuffer(mapped, np.uint8), shared_memory=True)
        )
        taken = [_shape_of(port) for port in network.inputs]
        given = {name: _shape_of(port) for port in network.outputs for name in port.names}
    except (RuntimeError, UnicodeDecodeError) as error:  # OpenVINO raises RuntimeError for all
        raise ArtifactError(
            f"{where} cannot be opened by OpenVINO; remove the folder, and {MAKE_AGAIN}."
        ) from error
    side, cells = artifact.input_side, artifact.input_side // 16
    wanted = {"logit": (1, 1), "heatmap": (1, cells, cells), "distance": (1,)}
    if taken != [(1, side, side, 1)] or given != wanted:
        raise ArtifactError(
            f"{where} is not of this network: it must take {side} x {side} grey pixels and return "
            f"logit, heatmap and distance; remove the folder, and {MAKE_AGAIN}."
        )
    return network, mapped


def _shape_of(port: openvino.Output) -> tuple[int, ...]:
    return tuple(port.get_partial_shape().to_shape())


def conclude(artifact: Artifact, output: Output, rule: DecisionRule | None = None) -> Prediction:
    """Calibrate the network's output, apply the threshold, and scale the heat map.

    By `rule`, or as the artifact does it.
    """
    own = rule_of(artifact)
    decides = rule or own
    probability = decides.find_probability(output.logit)
    heatmap = place_heatmap(output.heatmap)
    # A map weaker than that of a typical pneumonia stays weak: scaled to its own peak, it would
    # light up a normal lung.
    strength = heatmap / max(float(heatmap.max()), artifact.heatmap_reference, 1e-6)
    refused = output.distance > artifact.ood.limit
    doubted = not refused and output.distance > artifact.ood.warning
    return Prediction(
        probability=round(probability, 4),
        decision=artifact.classes[int(probability >= decides.threshold)],
        threshold=decides.threshold,
        model=artifact.version,
        heatmap=strength.astype(np.float64).round(3).tolist(),
        ood=round(output.distance / artifact.ood.limit, 3),
        refusal=REFUSAL if refused else None,
        warning=WARNING if doubted else None,
        precision=output.precision,
        finding=find(probability, decides.threshold, decides.uncertain),
        uncertain=decides.uncertain,
        ages=artifact.ages,
        profile=decides.profile,
        model_probability=(
            round(own.find_probability(output.logit), 4) if decides.profile else None
        ),
    )


def place_heatmap(heatmap: np.ndarray) -> np.ndarray:
    """(S, S) over the network's input -> (16, 16) over the whole image.

    The network does not see INPUT_MARGIN at each edge, where the map is 0. Each cell is the mean
    over its area; at S = 14 the cells of both grids coincide.
    """
    overlap = _overlap(len(heatmap))
    return overlap @ heatmap @ overlap.T


@cache
def _overlap(cells: int) -> np.ndarray:
    """(16, S): how much of each cell of the output each of S cells of the map covers."""
    edges = np.arange(HEATMAP_ROWS + 1)
    margin = HEATMAP_ROWS * INPUT_MARGIN
    inner = margin + (HEATMAP_ROWS - 2 * margin) * np.arange(cells + 1) / cells
    ends = np.minimum(edges[1:, None], inner[None, 1:])
    begins = np.maximum(edges[:-1, None], inner[None, :-1])
    return np.maximum(ends - begins, 0).astype(np.float32)
