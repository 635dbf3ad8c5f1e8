"""The section of `tests.bench.training`, a process of its own because it loads TensorFlow."""

import json
import statistics
import subprocess
import sys
from typing import Any

from tests.bench.figures import Row
from tests.bench.section import Section
from tests.bench.sides import ROOT
from tests.bench.workbench import Workbench


def measure_epochs(bench: Workbench) -> dict[str, Any]:
    """Training epochs with and without cached features."""
    counts = bench.counts
    options = ["--images", str(counts.trained), "--rounds", str(counts.epochs)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench.training", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"measuring the training failed: {ended.stderr[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def training_rows(found: dict[str, Any]) -> list[Row]:
    """Speed-up by the clock and by processor time, which other processes do not lengthen."""
    rows = []
    for name, depth in found.items():
        gains = _divide(depth, "plain", "cached")
        low, high = depth["interval_of_plain"]
        within = low <= depth["auc"]["cached"] <= high
        rows.append(
            Row(
                f"An epoch of training with `--cache-features`, {name} trained",
                f"{gains['seconds']:.1f} times faster, {gains['processor_seconds']:.1f} by "
                f"processor time; test AUC {depth['auc']['cached']:.3f}, without "
                f"{depth['auc']['plain']:.3f} ({low:.3f} to {high:.3f})",
                f"{depth['target']:g} times or more, AUC within the interval",
                gains["seconds"] >= depth["target"] and within,
            )
        )
        if "mixed" in depth["auc"]:
            gains, trunk = (_divide(part, "cached", "mixed") for part in (depth, depth["trunk"]))
            rows += [
                Row(
                    f"... the same with `--mixed-precision` (bfloat16), {name} trained",
                    f"{gains['seconds']:.2f} times as fast as in float32, "
                    f"{gains['processor_seconds']:.2f} by processor time; test AUC "
                    f"{depth['auc']['mixed']:.3f}, in float32 {depth['auc']['cached']:.3f}",
                ),
                Row(
                    "... its trunk by OpenVINO in bfloat16, by TensorFlow in float32",
                    f"{trunk['seconds']:.1f} times as fast, {trunk['processor_seconds']:.1f} by "
                    "processor time",
                ),
            ]
    return rows


def _divide(part: dict[str, Any], slower: str, faster: str) -> dict[str, float]:
    """How often the time of one way contains that of another, by the medians of their turns."""
    return {
        clock: statistics.median(part[clock][slower]) / statistics.median(part[clock][faster])
        for clock in ("seconds", "processor_seconds")
    }


TRAINING = Section("training", "Epochs of training", measure_epochs, training_rows)
