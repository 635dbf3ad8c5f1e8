"""The raw results of one artifact: the JSON files beside it that hold everything measured of it.

The card, the figures, the README's tables and the reporting checklists are written from these files
alone (`model.evaluation.evidence`), so that whoever doubts a figure finds the measurement it is
from.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from model.evaluation.card_tables import Figure
from model.evaluation.coverage_file import COVERAGE_NAME, CoverageReport, read_coverage_file
from model.evaluation.heatmaps_file import HEATMAPS_NAME, HeatmapReport, read_heatmaps_file
from model.evaluation.precisions_file import (
    PRECISIONS_NAME,
    PrecisionReport,
    read_precisions_file,
)
from model.evaluation.report_file import REPORT_NAME, Report, read_report_file
from model.serving.artifact import Artifact, ArtifactError

ABLATIONS_NAME = "ablations.json"
RESULT_NAMES = (REPORT_NAME, PRECISIONS_NAME, COVERAGE_NAME, HEATMAPS_NAME, ABLATIONS_NAME)
"""Files of an earlier artifact that must not stay beside a new one."""

Content = TypeVar("Content")

Ablations = dict[str, dict[str, dict[str, Figure]]]
"""ablations.json: what is compared, the choice, and its figures by name."""


@dataclass(frozen=True)
class Results:
    """An artifact and what was measured of it; None, or empty, where a file is missing."""

    artifact: Artifact
    report: Report | None
    precisions: PrecisionReport | None
    coverage: CoverageReport | None
    heatmaps: HeatmapReport | None
    ablations: Ablations


def read_results(folder: Path, artifact: Artifact) -> Results:
    """Read the files beside an artifact.

    Raises ArtifactError when one is damaged or of another version: figures of two models are never
    mixed.
    """
    results = Results(
        artifact,
        _read(folder / REPORT_NAME, read_report_file),
        _read(folder / PRECISIONS_NAME, read_precisions_file),
        _read(folder / COVERAGE_NAME, read_coverage_file),
        _read(folder / HEATMAPS_NAME, read_heatmaps_file),
        _read(folder / ABLATIONS_NAME, lambda file: json.loads(file.read_text())) or {},
    )
    for name, found, command in (
        (REPORT_NAME, results.report, "model.evaluation.report"),
        (PRECISIONS_NAME, results.precisions, "model.evaluation.precisions"),
        (COVERAGE_NAME, results.coverage, "model.evaluation.coverage"),
        (HEATMAPS_NAME, results.heatmaps, "model.training.heatmaps"),
    ):
        if found and found.version != artifact.version:
            raise ArtifactError(
                f"{folder / name} is of version {found.version}, the artifact is "
                f"{artifact.version}; make a new one with `python -m {command}`."
            )
    return results


def _read(file: Path, read: Callable[[Path], Content]) -> Content | None:
    """What a file holds; None where it is missing."""
    return read(file) if file.is_file() else None
