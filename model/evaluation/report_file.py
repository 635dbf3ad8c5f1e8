"""report.json: everything that is measured of an artifact, as it is written and read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from model.evaluation.baselines import Baseline
from model.evaluation.bootstrap import Estimate
from model.evaluation.evaluate import Evaluation
from model.evaluation.external import AdultScores, DecisionCounts, SizeComparison
from model.evaluation.robustness import ChangeScores
from model.evaluation.scores import BandScores, GroupScores
from model.evaluation.sources import SourceScores
from model.serving.artifact import ArtifactError

REPORT_NAME = "report.json"


@dataclass(frozen=True)
class SplitCounts:
    """One split as the training run made it."""

    images: int
    patients: int
    pneumonias: int


@dataclass(frozen=True)
class OfficialTest(Evaluation):
    """The evaluation of the official test, by cause and under mild changes too."""

    subgroups: dict[str, GroupScores]
    robustness: dict[str, ChangeScores]


@dataclass(frozen=True)
class External:
    """Other X-rays than the official test; None where the set is missing.

    `held_out` are those that the run did not train on, by source and by age; `adults` are of NIH
    ChestX-ray8, and `older_children` normal ones of 2 to 17 years.
    """

    held_out: dict[str, SourceScores] | None
    adults: dict[str, AdultScores] | None
    older_children: SourceScores | None
    unlabelled: DecisionCounts | None


@dataclass(frozen=True)
class Report:
    """All figures of one artifact.

    `uncertain` is by split, None without a band; `heatmap` is by the name of the figure.
    """

    version: str
    date: str
    resamples: int
    splits: dict[str, SplitCounts]
    test: OfficialTest
    uncertain: dict[str, BandScores] | None
    baselines: dict[str, Baseline]
    external: External
    sizes: SizeComparison | None
    heatmap: dict[str, int | float]


def write_report_file(report: Report, folder: Path) -> None:
    """Write report.json. Raises ValueError for a number that is not finite."""
    text = json.dumps(asdict(report), indent=1, allow_nan=False) + "\n"
    (folder / REPORT_NAME).write_text(text)


def read_report_file(file: Path) -> Report:
    """Read report.json. Raises ArtifactError when it is not a complete report."""
    try:
        return TypeAdapter(Report).validate_json(file.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{file} is not a complete report; make a new one with `python -m "
            "model.evaluation.report`."
        ) from error


def list_auc(report: Report) -> list[tuple[str, Estimate]]:
    """Every AUC of a report with its name, for one plot."""
    test = report.test
    rows = [("official test", test.scores.auc_roc)]
    rows += [
        (f"  {name} against normal", scores.auc_roc) for name, scores in test.subgroups.items()
    ]
    rows += [(f"  {name}", scores.auc_roc) for name, scores in test.robustness.items()]
    rows += [
        (f"NIH adults, opacity against {name}", scores.auc_roc)
        for name, scores in (report.external.adults or {}).items()
    ]
    rows += [(f"no model: {base.name}", base.auc_roc) for base in report.baselines.values()]
    return rows
