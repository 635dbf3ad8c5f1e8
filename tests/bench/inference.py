"""One inference, without reading: each precision, ONNX Runtime, and the logit alone, in turn."""

import subprocess
import sys
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from model.reading import dataset as data
from model.reading.xray import model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME
from tests.bench.figures import Row, median_ms
from tests.bench.section import Section
from tests.bench.sides import ROOT, Side
from tests.bench.workbench import Workbench, take_turns
from tests.conftest import XRAY_DATA

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
        Side(MODULE, "auto", bench.model_dir, bench.serving_dir, inputs) as auto,
        Side(MODULE, "float32", bench.model_dir, bench.serving_dir, inputs) as float32,
        Side(MODULE, "onnxruntime", onnx, inputs) as onnxruntime,
        Side(MODULE, "logit", bench.model_dir, bench.serving_dir, inputs) as logit,
    ):

        def infer(name: str, side: Side) -> list[float]:
            answer = side.ask(count=bench.counts.inferences)
            logits[name] = answer["logits"]
            return answer["seconds"]

        sides = {
            "auto": lambda: infer("auto", auto),
            "float32": lambda: infer("float32", float32),
            "onnxruntime": lambda: infer("onnxruntime", onnxruntime),
            "logit": lambda: infer("logit", logit),
        }
        seconds = take_turns(sides, bench.counts.rounds)
    apart = {
        name: float(np.abs(np.subtract(logits["float32"], logits[name])).max())
        for name in ("auto", "onnxruntime")
    }
    return {"seconds": seconds, "logits_apart": apart, "auc": measure_auc(bench)}


def measure_auc(bench: Workbench) -> dict[str, float]:
    """Of each precision on the official test; {} without the data."""
    if not XRAY_DATA.is_dir():
        return {}
    listed = data.list_xrays(XRAY_DATA / "kermany224" / "test")
    step = max(1, len(listed) // bench.counts.tested)
    images, xrays, _ = data.load_inputs(listed[::step], model_input)
    inputs, labels = bench.scratch / "test.npy", [xray.label for xray in xrays]
    np.save(inputs, images.astype(np.float32))
    found = {}
    for name in ("auto", "float32"):
        with Side(MODULE, name, bench.model_dir, bench.serving_dir, inputs) as side:
            found[name] = float(roc_auc_score(labels, side.ask(count=len(labels))["logits"]))
    return found


def inference_rows(found: dict[str, Any]) -> list[Row]:
    """What the precision, the runtime and the outputs next to the logit cost."""
    auto, float32, onnxruntime, logit = (
        median_ms(found["seconds"][name]) for name in ("auto", "float32", "onnxruntime", "logit")
    )
    apart, auc = found["logits_apart"], found["auc"]
    close = not auc or abs(auc["auto"] - auc["float32"]) <= 0.002
    judged = f"{auc['auto']:.4f}, {auc['float32']:.4f}" if auc else "not measured: no data"
    return [
        Row(
            "One inference as this processor does it best, and in float32",
            f"{auto:.1f} ms, {float32:.1f} ms; {float32 / auto:.1f} times faster; logits at most "
            f"{apart['auto']:.1e} apart; AUC of the official test {judged}",
            "3.2 times faster or more, AUC within 0.002",
            float32 >= 3.2 * auto and close,
        ),
        Row(
            "... in float32 in OpenVINO, in ONNX Runtime",
            f"{float32:.1f} ms, {onnxruntime:.1f} ms; logits at most "
            f"{apart['onnxruntime']:.1e} apart",
        ),
        Row(
            "... of which heat map and distance",
            f"{float32 - logit:.1f} ms, {(float32 - logit) / logit:.0%} of the logit alone",
            "under 10 %",
            float32 < 1.1 * logit,
        ),
    ]


INFERENCE = Section("inference", "Runtimes", measure_inference, inference_rows)
