"""The arithmetic in which the network runs: float32, or bfloat16 where the processor has it.

float32 is the reference. bfloat16 keeps 8 bits of the mantissa, so its answers differ a little.
Two things keep them from depending on the machine: a form is used only while its answers to the
golden X-rays are within its tolerance, and an answer so close to a limit that rounding might have
carried it across is computed again in float32 (`model.serving.trial`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import openvino
from numpy.typing import ArrayLike

from model.serving.artifact import ArtifactError
from model.serving.core import get_core

Precision = Literal["float32", "bfloat16"]

PrecisionSetting = Literal["auto", "float32", "bfloat16"]
"""`auto`: the fastest that this processor has and whose answers are within the tolerance."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
HINTS: Mapping[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}
"""OpenVINO's names."""


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may be from the recorded one: `absolute + relative * |recorded|`."""

    absolute: float
    relative: float

    def allows(self, recorded: ArrayLike, given: ArrayLike) -> bool:
        """Whether every given number is close enough; NaN is not."""
        # Not `not any(... > allowed)`, because that is true for NaN.
        allowed = self.absolute + self.relative * np.abs(recorded)
        return bool(np.all(np.abs(np.subtract(given, recorded)) <= allowed))


TOLERANCES: Mapping[Precision, Mapping[str, Tolerance]] = {
    "float32": dict.fromkeys(("logit", "heatmap", "distance"), Tolerance(0.01, 0.001)),
    "bfloat16": {
        "logit": Tolerance(0.19, 0.0),
        "heatmap": Tolerance(0.0095, 0.0),
        "distance": Tolerance(0.0, 0.052),
    },
}
"""float32 leaves room for another order of the same sums: Keras and OpenVINO differ by less than
0.001. The other rows follow one rule, on validation X-rays alone: half as much again as the largest
difference from float32 among the 804 children of the shipped model's validation, rounded up to two
digits (logit 0.1218, heat map 0.0063, distance 3.43 %; `python -m model.evaluation.precisions`)."""


class PrecisionUnavailable(ArtifactError):
    """The processor lacks a precision, or OpenVINO ran the network in another one."""


def list_supported() -> list[Precision]:
    """The precisions that this processor computes natively; float32 is always the first."""
    capabilities = get_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [name for name in PRECISIONS if name == "float32" or HINTS[name].upper() in capabilities]


def list_candidates(setting: PrecisionSetting) -> list[Precision]:
    """What to try for a setting: float32, and the others that may be used.

    Raises PrecisionUnavailable when the processor lacks the one that is set.
    """
    supported = list_supported()
    if setting == "auto":
        return supported
    if setting not in supported:
        raise PrecisionUnavailable(
            f"This processor does not compute in {setting}; set PRECISION=auto or float32."
        )
    return [name for name in supported if name in ("float32", setting)]


def check_executed(compiled: openvino.CompiledModel, wanted: Precision) -> None:
    """Raise PrecisionUnavailable unless every convolution of the compiled network is in `wanted`.

    The hint is only a wish, and some releases of OpenVINO ignored it without a word. The runtime
    model names the precision of each kernel that was chosen.
    """
    found = {
        node.get_rt_info()["runtimePrecision"].astype(str)
        for node in compiled.get_runtime_model().get_ops()
        if node.get_rt_info()["layerType"].astype(str) == "Convolution"
    }
    if found != {HINTS[wanted]}:
        raise PrecisionUnavailable(
            f"OpenVINO runs the network in {', '.join(sorted(found)) or 'no convolution'} where "
            f"{wanted} was asked for."
        )
