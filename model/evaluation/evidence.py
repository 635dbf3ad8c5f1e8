"""Write all that is said about the shipped model from its raw results: `make evidence`.

    python -m model.evaluation.evidence

reads the JSON files in model/artifact, and writes MODEL_CARD.md and the figures beside them, the
marked part of README.md, and the pages of docs/ that list the figures by their origin. It measures
nothing (that is `make report`, which ends with this) and takes seconds. The same results give the
same bytes, the PNG files included.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from model.evaluation import claim, tripod
from model.evaluation.card import write_card
from model.evaluation.card_checks import HEATMAPS_PLOT
from model.evaluation.checklists import write_checklists
from model.evaluation.drawing import draw_figures
from model.evaluation.evidence_text import describe_evidence
from model.evaluation.heatmap_panels import plot_heatmaps
from model.evaluation.marks import put_between
from model.evaluation.readme_text import describe_model
from model.evaluation.results import read_results
from model.serving.artifact import ArtifactError, read_artifact

README_MARK = "model"


def write_evidence(folder: Path, root: Path) -> None:
    """Write everything that is made from the results in `folder`; `root` holds README.md and docs/.

    Raises ArtifactError when there is no report, or a file is damaged or of another version.
    """
    artifact = read_artifact(folder)
    results = read_results(folder, artifact)
    if results.report is None:
        raise ArtifactError(f"{folder} has no report.json; measure the model with `make report`.")
    write_card(folder, artifact)
    draw_figures(artifact, results.report, folder)
    if results.heatmaps:
        plot_heatmaps(results.heatmaps, folder / HEATMAPS_PLOT)
    (root / "docs" / "evidence.md").write_text(describe_evidence(artifact, folder))
    checklists = ((tripod.TITLE, tripod.ITEMS), (claim.TITLE, claim.ITEMS))
    (root / "docs" / "reporting.md").write_text(write_checklists(results, checklists))
    readme = root / "README.md"
    readme.write_text(put_between(readme.read_text(), README_MARK, describe_model(results)))


def main(argv: Sequence[str] | None = None) -> int:
    """Write it; results that are missing or do not belong together are printed as one line."""
    parser = argparse.ArgumentParser(
        description="Write card, figures, README and docs from results."
    )
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--root", type=Path, default=Path(), help="folder of README.md and docs/")
    arguments = parser.parse_args(argv)
    try:
        write_evidence(arguments.artifact, arguments.root)
    except (ArtifactError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
