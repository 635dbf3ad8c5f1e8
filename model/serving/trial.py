"""Which precision this machine uses: each that its processor has is tried on the golden X-rays.

The fastest whose answers are within the tolerance is taken. float32 stays loaded, and answers again
where rounding might have changed a decision.
"""

import threading
import time
from dataclasses import dataclass

import numpy as np
import openvino

from model.serving.artifact import Artifact, ArtifactError
from model.serving.compiled import compile_wide, infer_one
from model.serving.golden import Golden, Output, check_answers
from model.serving.precision import (
    TOLERANCES,
    Precision,
    PrecisionSetting,
    list_candidates,
)
from model.serving.rule import DecisionRule, rule_of


@dataclass(frozen=True)
class Trial:
    """One precision on the golden X-rays: its outputs, and its median time for one.

    `fault` is the reason why it is not used, if any.
    """

    precision: Precision
    outputs: list[Output]
    seconds: float
    fault: str | None = None


class Forms:
    """The precision that is used, and the network in float32 for close calls.

    `reference` is a float32 request on all cores, for one caller at a time. `trials` are the
    precisions that this processor has and the setting allows.
    """

    def __init__(
        self,
        artifact: Artifact,
        golden: Golden,
        network: openvino.Model,
        threads: int,
        setting: PrecisionSetting,
    ) -> None:
        """Try them. Raises ArtifactError when this machine cannot run float32, or the precision
        that is set, or its answers are not those that the training run recorded.
        """
        self._artifact = artifact
        self._lock = threading.Lock()
        self.trials: list[Trial] = []
        for precision in list_candidates(setting):
            try:
                request = compile_wide(network, threads, precision)
                trial = _measure(request, precision, golden)
                what = f"The export of model {artifact.version} in {precision}"
                check_answers(golden, trial.outputs, what)
            except ArtifactError as error:
                if precision in ("float32", setting):
                    raise
                trial = Trial(precision, [], float("inf"), str(error))
            else:
                if precision == "float32":
                    self.reference = request
            self.trials.append(trial)
        fastest = min(self.trials, key=lambda trial: trial.seconds).precision
        self.precision: Precision = fastest if setting == "auto" else setting

    def confirm(
        self, image: np.ndarray, output: Output, rule: DecisionRule | None = None
    ) -> Output:
        """The output for `image`, computed again in float32 where it is a close call by `rule`."""
        if not is_close_call(self._artifact, output, rule):
            return output
        with self._lock:
            return infer_one(self.reference, image, "float32")


def _measure(request: openvino.InferRequest, precision: Precision, golden: Golden) -> Trial:
    outputs, seconds = [], []
    for image in golden.inputs.astype(np.float32):
        started = time.perf_counter()
        outputs.append(infer_one(request, image, precision))
        seconds.append(time.perf_counter() - started)
    return Trial(precision, outputs, float(np.median(seconds)))


def is_close_call(artifact: Artifact, output: Output, rule: DecisionRule | None = None) -> bool:
    """Whether rounding might have changed the decision, the finding, the refusal or the warning.

    It might where the limit itself is within the tolerance of the output. `rule` is that of the
    artifact unless it is given.
    """
    if output.precision == "float32":
        return False
    tolerances = TOLERANCES[output.precision]
    decides = rule or rule_of(artifact)
    return any(
        tolerances["logit"].allows(decides.find_logit(limit), output.logit)
        for limit in decides.list_limits()
    ) or any(
        tolerances["distance"].allows(limit, output.distance)
        for limit in (artifact.ood.limit, artifact.ood.warning)
    )
