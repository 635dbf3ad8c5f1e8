"""What each peer does for one X-ray, so that services are compared and not decoders.

Bare: the probability. Full: also the heat map, the preview that the project keeps, and the bytes
synced to the disk before anything else. Decoding, resizing, calibration and heat map are the
project's own functions; the limits, refusals, warnings and the search for borders are left out.
"""

import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import openvino

from model.reading.limits import MAX_PIXELS
from model.reading.picture import read_picture
from model.reading.xray import PREVIEW_SIDE, XrayImage, encode_preview, model_input
from model.serving.artifact import Artifact, read_artifact
from model.serving.predictor import place_heatmap
from tests.bench.peers.expected import squash_logit

EXPORT_NAME = "model.xml"


@dataclass(frozen=True)
class Task:
    """How a peer runs: the model's folders, and where the full one keeps files (None: bare).

    `hint` is OpenVINO's performance hint; `precision` is f32, or empty for what OpenVINO takes by
    itself; `threads` limits those of one inference, 0 is OpenVINO's default.
    """

    model_dir: Path
    serving_dir: Path
    keep: Path | None
    precision: str
    hint: str
    threads: int

    def to_environment(self) -> dict[str, str]:
        """For the process of the peer."""
        return {
            "PEER_MODEL_DIR": str(self.model_dir),
            "PEER_SERVING_DIR": str(self.serving_dir),
            "PEER_KEEP": str(self.keep or ""),
            "PEER_PRECISION": self.precision,
            "PEER_HINT": self.hint,
            "PEER_THREADS": str(self.threads),
        }

    @classmethod
    def from_environment(cls) -> Self:
        """In the process of the peer."""
        keep = os.environ["PEER_KEEP"]
        return cls(
            Path(os.environ["PEER_MODEL_DIR"]),
            Path(os.environ["PEER_SERVING_DIR"]),
            Path(keep) if keep else None,
            os.environ["PEER_PRECISION"],
            os.environ["PEER_HINT"],
            int(os.environ["PEER_THREADS"]),
        )


def read_film(data: bytes) -> XrayImage:
    """The decoded picture."""
    pixels, width, height = read_picture(data, MAX_PIXELS, PREVIEW_SIDE)
    return XrayImage(pixels, width, height, ())


def sync(file: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


class Output(NamedTuple):
    """What a peer takes from the network; a bare one has no heat map."""

    logit: float
    heatmap: np.ndarray | None


class Keeper:
    """The folder of a full peer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def accept(self, data: bytes) -> str:
        """The name under which the bytes are safe."""
        name = secrets.token_hex(16)
        sync(self._folder / name, data)
        return name

    def keep_preview(self, name: str, film: XrayImage) -> None:
        """The preview, next to the bytes."""
        (self._folder / f"{name}.jpg").write_bytes(encode_preview(film))


class Judge:
    """The exported network in OpenVINO, with one request for each thread that asks."""

    def __init__(self, task: Task) -> None:
        """Load and warm up."""
        self.artifact = read_artifact(task.model_dir)
        self.keeper = Keeper(task.keep) if task.keep else None
        core = openvino.Core()
        network = core.read_model(task.serving_dir / self.artifact.version / EXPORT_NAME)
        wanted = ["logit", "heatmap"] if task.keep else ["logit"]
        outputs = [output for output in network.outputs if output.names & set(wanted)]
        options: dict[str, str | int] = {"PERFORMANCE_HINT": task.hint}
        if task.precision:
            options["INFERENCE_PRECISION_HINT"] = task.precision
        if task.threads:
            options["INFERENCE_NUM_THREADS"] = task.threads
        self._compiled = core.compile_model(
            openvino.Model(outputs, network.get_parameters()), "CPU", options
        )
        self._local = threading.local()
        side = self.artifact.input_side
        self.infer(np.zeros((side, side, 1), np.float32))

    def infer(self, image: np.ndarray) -> Output:
        """The network's output for one input; without a heat map in a bare peer."""
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        found = self._local.request.infer({0: image[None]}, share_inputs=True)
        heatmap = found["heatmap"][0].copy() if self.keeper else None
        return Output(float(found["logit"][0, 0]), heatmap)

    def answer(self, output: Output) -> dict[str, Any]:
        """The body of the answer."""
        return make_answer(self.artifact, output)

    def judge(self, data: bytes) -> dict[str, Any]:
        """From the bytes of an upload to the body of its answer."""
        name = self.keeper.accept(data) if self.keeper else ""
        film = read_film(data)
        output = self.infer(model_input(film, self.artifact.input_side))
        if self.keeper:
            self.keeper.keep_preview(name, film)
        return self.answer(output)


def make_answer(artifact: Artifact, output: Output) -> dict[str, Any]:
    """The calibrated probability, and in a full peer the heat map as the API returns it."""
    calibration = artifact.calibration
    answer: dict[str, Any] = {
        "probability": squash_logit(calibration.scale * output.logit + calibration.offset)
    }
    if output.heatmap is not None:
        heatmap = place_heatmap(output.heatmap)
        strength = heatmap / max(float(heatmap.max()), artifact.heatmap_reference, 1e-6)
        answer["heatmap"] = [[round(float(value), 3) for value in row] for row in strength]
    return answer
