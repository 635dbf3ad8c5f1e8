"""precisions.json: how far other precisions are from float32, as it is written and read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from model.serving.artifact import ArtifactError

PRECISIONS_NAME = "precisions.json"


@dataclass(frozen=True)
class Agreement:
    """One precision against float32 on the readable images of one set.

    `computed_again` are the close calls, which float32 answers. `differ` counts the images whose
    decision, finding, refusal or warning is not that of float32, as served; `differ_alone` those
    where it would not be without the close calls, and `furthest` is the greatest distance of the
    probability of such a decision from the threshold. `logit`, `probability`, `ood` and `heatmap`
    are the largest differences of one image.
    """

    images: int
    computed_again: int
    differ: int
    differ_alone: int
    furthest: float
    logit: float
    probability: float
    ood: float
    heatmap: float
    auc_float32: float | None
    auc: float | None


@dataclass(frozen=True)
class PrecisionReport:
    """The agreement of each other precision with float32, by set, and where it was measured."""

    version: str
    processor: str
    openvino: str
    precisions: dict[str, dict[str, Agreement]]


def write_precisions_file(report: PrecisionReport, folder: Path) -> None:
    """Write precisions.json. Raises ValueError for a number that is not finite."""
    text = json.dumps(asdict(report), indent=1, allow_nan=False) + "\n"
    (folder / PRECISIONS_NAME).write_text(text)


def read_precisions_file(file: Path) -> PrecisionReport:
    """Read precisions.json. Raises ArtifactError when it is not complete."""
    try:
        return TypeAdapter(PrecisionReport).validate_json(file.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{file} is not complete; make a new one with `python -m model.evaluation.precisions`."
        ) from error
