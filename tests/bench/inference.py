"""One inference, without reading: each precision, ONNX Runtime, and the logit alone, in turn."""

import subprocess
import sys
from typing import Any

import numpy as np

from model.reading.xray import model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME
from tests.bench.figures import Row, median_ms
from tests.bench.section import Section
from tests.bench.sides import ROOT, Side
from tests.bench.workbench import Workbench, take_turns

MODULE = "tests.bench.runtimes"


def measure_inference(bench: Workbench) -> dict[str, Any]:
    """Seconds of each inference, and how far OpenVINO and ONNX Runtime are apart."""
    onnx, inputs = bench.scratch / "model.onnx", bench.scratch / "inputs.npy"
    weights = bench.model_dir / WEIGHTS_NAME
    export = ["-m", "tests.bench.onnx_export", str(weights), str(onnx)]
    exported = subprocess.run(
        [sys.executable, *export], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if exported.returncode:
        raise RuntimeError(f"the ONNX export failed: {exported.stderr[-2000:]}")
    xrays = [read_xray(bench.images.read(number)) for number in range(len(bench.images))]
    np.save(inputs, np.stack([model_input(xray) for xray in xrays]))
    logits = {}
    with (
        Side(MODULE, "openvino", bench.model_dir, bench.serving_dir, inputs) as openvino,
        Side(MODULE, "onnxruntime", onnx, inputs) as onnxruntime,
        Side(MODULE, "logit", bench.model_dir, bench.serving_dir, inputs) as logit,
    ):

        def infer(name: str, side: Side) -> list[float]:
            answer = side.ask(count=bench.counts.inferences)
            logits[name] = answer["logits"]
            return answer["seconds"]

        sides = {
            "openvino": lambda: infer("openvino", openvino),
            "onnxruntime": lambda: infer("onnxruntime", onnxruntime),
            "logit": lambda: infer("logit", logit),
        }
        seconds = take_turns(sides, bench.counts.rounds)
    apart = np.abs(np.subtract(logits["openvino"], logits["onnxruntime"]))
    return {"seconds": seconds, "largest_logit_difference": float(apart.max())}


def inference_rows(found: dict[str, Any]) -> list[Row]:
    """What the runtime and the outputs next to the logit cost."""
    openvino, onnxruntime, logit = (
        median_ms(found["seconds"][name]) for name in ("openvino", "onnxruntime", "logit")
    )
    apart = found["largest_logit_difference"]
    return [
        Row(
            "One inference: OpenVINO (in use), ONNX Runtime",
            f"{openvino:.1f} ms, {onnxruntime:.1f} ms; logits at most {apart:.1e} apart",
        ),
        Row(
            "... of which heat map and distance",
            f"{openvino - logit:.1f} ms, {(openvino - logit) / logit:.0%} of the logit alone",
            "under 10 %",
            openvino < 1.1 * logit,
        ),
    ]


INFERENCE = Section("inference", "Runtimes", measure_inference, inference_rows)
