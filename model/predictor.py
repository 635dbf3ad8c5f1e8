"""An artifact, ready to answer: `Predictor.predict` turns an X-ray into a `Prediction`.

Runs the exported network in OpenVINO; knows no Flask, no Redis and no TensorFlow.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino

from model.artifact import Artifact, ArtifactError, read_artifact
from model.xray import INPUT_MARGIN, Xray, model_input


@dataclass(frozen=True)
class Prediction:
    """The answer for one X-ray.

    `probability` of pneumonia is calibrated; `decision` is "pneumonia" when it reaches `threshold`,
    else "normal"; `model` is the artifact's version; `heatmap` is 16 rows of 16 numbers, 0 to 1:
    Grad-CAM over the whole image, top left first.
    """

    probability: float
    decision: str
    threshold: float
    model: str
    heatmap: list[list[float]]


class Predictor:
    """One compiled network; safe to call from several threads, one inference at a time.

    One image on all cores beats several at once: the arithmetic is the limit, and sharing the
    cores only makes everyone wait.
    """

    def __init__(self, artifact_folder: Path, serving_folder: Path) -> None:
        """Load the artifact's export and warm it up.

        Raises ArtifactError in one sentence when the artifact or its export is missing.
        """
        self.artifact: Artifact = read_artifact(artifact_folder)
        file = serving_folder / self.artifact.version / "model.xml"
        if not file.is_file():
            raise ArtifactError(
                f"The serving export {file} is missing; make it with `python -m model.network "
                f"--artifact {artifact_folder} --out {serving_folder}`."
            )
        compiled = openvino.Core().compile_model(
            file,
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                # Newer CPUs would round to bfloat16, and answers would depend on the machine.
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
            },
        )
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()
        side = self.artifact.input_side
        self.infer(np.zeros((side, side, 1), np.float32))

    def infer(self, image: np.ndarray) -> tuple[float, np.ndarray]:
        """(224, 224, 1) float32 grey -> the uncalibrated logit and the (14, 14) Grad-CAM map."""
        with self._lock:
            outputs = self._request.infer({0: image[None]}, share_inputs=True)
            return float(outputs["logit"][0, 0]), outputs["heatmap"][0].copy()

    def predict(self, xray: Xray) -> Prediction:
        """Probability, decision and heat map of one X-ray, from one forward pass."""
        logit, heatmap = self.infer(model_input(xray, self.artifact.input_side))
        calibration = self.artifact.calibration
        calibrated = calibration["scale"] * logit + calibration["offset"]
        probability = float(0.5 * (1 + np.tanh(0.5 * calibrated)))
        # Below the usual strength of a pneumonia's map, weak stays weak: scaling each image to its
        # own peak would light up a normal lung.
        # The network does not see a sixteenth at each edge: one cell more on each side of its 14.
        heatmap = np.pad(heatmap, round(heatmap.shape[0] / (1 / INPUT_MARGIN - 2)))
        strength = heatmap / max(float(heatmap.max()), self.artifact.heatmap_reference, 1e-6)
        return Prediction(
            probability=round(probability, 4),
            decision=self.artifact.classes[int(probability >= self.artifact.threshold)],
            threshold=self.artifact.threshold,
            model=self.artifact.version,
            heatmap=[[round(float(value), 3) for value in row] for row in strength],
        )
