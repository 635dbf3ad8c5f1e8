"""coverage.json: what the uncertain band leaves out and gets wrong, as it is written and read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from model.evaluation.bootstrap import Estimate
from model.evaluation.conformal import Promise
from model.serving.artifact import ArtifactError

COVERAGE_NAME = "coverage.json"


@dataclass(frozen=True)
class BandCoverage:
    """One group of films under one band.

    `missed`: the share of the ill that are called *no pneumonia detected*; `alarmed`: of the
    others, *pneumonia likely*. `share` of all is uncertain; sensitivity and specificity are of the
    rest.
    """

    images: int
    patients: int
    pneumonias: int
    uncertain: int
    missed: Estimate
    alarmed: Estimate
    share: Estimate
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True)
class ConformalBand:
    """The band that split conformal prediction chooses for an error, and its coverage by group."""

    error: float
    low: float
    high: float
    groups: dict[str, BandCoverage]


@dataclass(frozen=True)
class HalfCoverage:
    """A band chosen on half of the validation patients and counted on the others, `halves` times.

    The mean and the range that holds 95 % of the halves. A patient's films count as one.
    """

    error: float
    halves: int
    missed: Estimate
    alarmed: Estimate
    share: Estimate


@dataclass(frozen=True)
class CoverageReport:
    """All of it, for one version. `patients` are those that bands are chosen on, by class.

    `stored` is of the artifact's own band by group, and `promise` what it promises; None without
    one. An error for which there are too few patients is not in `conformal` or `halves`.
    """

    version: str
    resamples: int
    patients: dict[str, int]
    stored: dict[str, BandCoverage] | None
    promise: Promise | None
    conformal: list[ConformalBand]
    halves: list[HalfCoverage]


def write_coverage_file(report: CoverageReport, folder: Path) -> None:
    """Write coverage.json. Raises ValueError for a number that is not finite."""
    text = json.dumps(asdict(report), indent=1, allow_nan=False) + "\n"
    (folder / COVERAGE_NAME).write_text(text)


def read_coverage_file(file: Path) -> CoverageReport:
    """Read coverage.json. Raises ArtifactError when it is not complete."""
    try:
        return TypeAdapter(CoverageReport).validate_json(file.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{file} is not complete; make a new one with `python -m model.evaluation.coverage`."
        ) from error
