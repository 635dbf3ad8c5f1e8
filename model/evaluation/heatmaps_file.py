"""heatmaps.json: the checks of the heat map, as they are written and read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from model.evaluation.bootstrap import Estimate
from model.evaluation.faithfulness import CurveScores
from model.serving.artifact import ArtifactError

HEATMAPS_NAME = "heatmaps.json"


@dataclass(frozen=True)
class PeakShares:
    """How many maps peak where lungs are on average (`model.evaluation.lungs`), by method.

    The outline is the mean of `outlines` normal films of `outlined`; on `without` more the rule
    found no two lungs. `by_chance` is the share of the cells in which a map can peak that are lung.
    """

    outlined: str
    outlines: int
    without: int
    by_chance: float
    inside: dict[str, Estimate]


@dataclass(frozen=True)
class GroupChecks:
    """The checks on the pneumonias of one source that the network calls pneumonia."""

    films: int
    patients: int
    deletion: CurveScores
    insertion: CurveScores
    peaks: PeakShares | None


@dataclass(frozen=True)
class HeatmapReport:
    """All checks of the heat map of one version.

    `randomised` has the correlation of the maps with those of a network in which the named stage
    and all after it have random weights; `other_film` with the map of another film by the trained
    network, which is what two maps share that have nothing to do with each other.
    """

    version: str
    resamples: int
    groups: dict[str, GroupChecks]
    randomised_films: int
    randomised: dict[str, Estimate]
    other_film: Estimate


def write_heatmaps_file(report: HeatmapReport, folder: Path) -> None:
    """Write heatmaps.json. Raises ValueError for a number that is not finite."""
    text = json.dumps(asdict(report), indent=1, allow_nan=False) + "\n"
    (folder / HEATMAPS_NAME).write_text(text)


def read_heatmaps_file(file: Path) -> HeatmapReport:
    """Read heatmaps.json. Raises ArtifactError when it is not complete."""
    try:
        return TypeAdapter(HeatmapReport).validate_json(file.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{file} is not complete; make a new one with `python -m model.training.heatmaps`."
        ) from error
