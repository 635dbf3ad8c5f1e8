"""The rows about one inference: forms are compared as the worker runs them, and like with like."""

from typing import Any

import pytest

from tests.bench.inference import inference_rows

FOUND: dict[str, Any] = {
    "precision": "bfloat16",
    "seconds": {
        "auto": [0.020],
        "float32": [0.030],
        "onnxruntime": [0.031],
        "logit": [0.028],
        "bfloat16-on-one-core": [0.020],
        "float32-on-one-core": [0.070],
        "bfloat16-on-all-cores": [0.012],
        "float32-on-all-cores": [0.030],
    },
    "processor": {
        "bfloat16-on-one-core": 2.0,
        "float32-on-one-core": 7.2,
        "bfloat16-on-all-cores": 2.4,
        "float32-on-all-cores": 6.0,
    },
    "logits_apart": {"auto": 0.04, "onnxruntime": 0.0},
    "auc": {"auto": 0.987, "float32": 0.987},
}


def test_each_row_says_on_which_cores_a_precision_runs() -> None:
    """The worker's form against float32 on all cores, then both precisions with the same cores."""
    worker, one, every, *_ = inference_rows(FOUND)
    assert "in bfloat16 on one core, and pinned to float32 on all cores" in worker.what
    assert "20.0 ms, 30.0 ms; 1.5 times as fast" in worker.measured
    assert not worker.reached
    assert one.what.endswith("both on one core")
    assert one.measured == "20.0 ms, 70.0 ms; 3.5 times as fast, 3.6 by processor time"
    assert one.reached
    assert every.what.endswith("both on all cores")
    assert every.measured == "12.0 ms, 30.0 ms; 2.5 times as fast, 2.5 by processor time"
    assert every.reached is False


@pytest.mark.parametrize("cores", ["one-core", "all-cores"])
def test_a_processor_without_bfloat16_is_named_as_the_reason(cores: str) -> None:
    """Its worker runs float32 on all cores, and there is nothing to compare."""
    seconds = {name: taken for name, taken in FOUND["seconds"].items() if "bfloat16" not in name}
    rows = inference_rows({**FOUND, "precision": "float32", "seconds": seconds})
    assert "in float32 on all cores, and pinned" in rows[0].what
    [row] = [row for row in rows if row.what.endswith(f"both on {cores.replace('-', ' ')}")]
    assert row.measured == "not measured: this processor has no bfloat16"
    assert row.reached is None
