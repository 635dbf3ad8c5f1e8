"""One inference, without reading: each precision, ONNX Runtime, and the logit alone, in turn."""

import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from model.reading import dataset as data
from model.reading.xray import model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME
from model.serving.precision import list_supported
from tests.bench.figures import Row, median_ms
from tests.bench.section import Section
from tests.bench.sides import ROOT, Side
from tests.bench.workbench import Workbench, take_turns
from tests.conftest import XRAY_DATA

MODULE = "tests.bench.runtimes"
CORES = ("one-core", "all-cores")
GOAL = 3.2
"""Times as fast as float32."""


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
    folders = bench.model_dir, bench.serving_dir
    forms = [f"{name}-on-{cores}" for cores in CORES for name in list_supported()]
    of_export = dict.fromkeys(("auto", "float32", "logit", *forms), folders)
    logits, processor, precisions = {}, dict.fromkeys((*of_export, "onnxruntime"), 0.0), {}
    with ExitStack() as opened:
        sides = {
            name: opened.enter_context(Side(MODULE, name, *network, inputs))
            for name, network in {**of_export, "onnxruntime": (onnx,)}.items()
        }

        def infer(name: str) -> list[float]:
            answer = sides[name].ask(count=bench.counts.inferences)
            logits[name], precisions[name] = answer["logits"], answer["precision"]
            processor[name] += answer["processor"]
            return answer["seconds"]

        turns = {name: partial(infer, name) for name in sides}
        seconds = take_turns(turns, bench.counts.rounds)
    apart = {
        name: float(np.abs(np.subtract(logits["float32"], logits[name])).max())
        for name in ("auto", "onnxruntime")
    }
    return {
        "precision": precisions["auto"],
        "seconds": seconds,
        "processor": processor,
        "logits_apart": apart,
        "auc": measure_auc(bench),
    }


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
    one_core = found["precision"] != "float32"
    return [
        Row(
            f"One inference as the worker runs it, in {found['precision']} on "
            f"{'one core' if one_core else 'all cores'}, and pinned to float32 on all cores",
            f"{auto:.1f} ms, {float32:.1f} ms; {float32 / auto:.1f} times as fast; logits at most "
            f"{apart['auto']:.1e} apart; AUC of the official test {judged}",
            f"{GOAL} times as fast or more, AUC within 0.002",
            float32 >= GOAL * auto and close,
        ),
        *(row_of_precisions(found, cores) for cores in CORES),
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


def row_of_precisions(found: dict[str, Any], cores: str) -> Row:
    """bfloat16 and float32 with the same cores: what the precision alone gains."""
    what = f"... the precisions alone: bfloat16 and float32, both on {cores.replace('-', ' ')}"
    names = [f"{name}-on-{cores}" for name in ("bfloat16", "float32")]
    if names[0] not in found["seconds"]:
        return Row(what, "not measured: this processor has no bfloat16")
    fast, slow = (median_ms(found["seconds"][name]) for name in names)
    fewer = found["processor"][names[1]] / found["processor"][names[0]]
    return Row(
        what,
        f"{fast:.1f} ms, {slow:.1f} ms; {slow / fast:.1f} times as fast, {fewer:.1f} by processor "
        f"time",
        f"{GOAL} times as fast or more",
        slow >= GOAL * fast,
    )


INFERENCE = Section("inference", "Runtimes", measure_inference, inference_rows)
