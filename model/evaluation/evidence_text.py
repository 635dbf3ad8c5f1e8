"""docs/evidence.md: the raw results, what is written from them, and how each is measured again."""

import hashlib
from pathlib import Path
from typing import Final

from model.evaluation.coverage_file import COVERAGE_NAME
from model.evaluation.heatmaps_file import HEATMAPS_NAME
from model.evaluation.marks import wrap
from model.evaluation.precisions_file import PRECISIONS_NAME
from model.evaluation.report_file import REPORT_NAME
from model.evaluation.results import ABLATIONS_NAME
from model.serving.artifact import METADATA_NAME, Artifact
from model.serving.ratios import RATIOS_NAME

SOURCES: Final = (
    (
        METADATA_NAME,
        "threshold, calibration, scores, refusals, the record of the training",
        "make train",
    ),
    (REPORT_NAME, "test, subgroups, changes of the image, adults, baselines", "make report"),
    (COVERAGE_NAME, "the uncertain band by split, source and age, and its promise", "make report"),
    (HEATMAPS_NAME, "deletion, insertion, random weights, peaks in the lungs", "make report"),
    (RATIOS_NAME, "what each finding is worth, for a site's prevalence", "make report"),
    (PRECISIONS_NAME, "bfloat16 against float32", "python -m model.evaluation.precisions"),
    (ABLATIONS_NAME, "losses and optimizers on one head", "python -m model.training.ablation"),
)

TEXT: Final = """\
# Where the figures come from

Written by `make evidence` for the model `{version}`. Raw results are JSON files beside the weights,
in [model/artifact](../model/artifact/MODEL_CARD.md). A file of another version is refused, so
figures of two models are never mixed. They are the only source of: the model card; its plots, each
of which has the digest of its figures in its PNG text; the figures in the
[README](../README.md#the-model); [the reporting checklists](reporting.md) and this page.

| raw results | hold | measured again by | SHA-256, first twelve digits |
|---|---|---|---|
{sources}

`make evidence` measures nothing: from these files it writes all of that again within seconds, byte
for byte the same on the same versions of the packages (`requirements.txt`). `make report` measures
them anew, which needs the data in `XRAY_DATA` and about half an hour on two cores, and then runs
`make evidence`. It reads nih_adults and older_children, which may choose nothing: run it once for
each candidate and record that in [EXPERIMENTS.md](../model/EXPERIMENTS.md).

`tests/test_figures.py` fails when a number in the README or in the words of the card stands outside
of what is written from raw results and is not one of the phrases that it lists, such as a year or a
version; when a written part, a plot or a page differs from what the results give; and when a second
run is not byte-identical. The speed figures are those of the bench
([measurements.md](measurements.md)).
"""


def describe_evidence(artifact: Artifact, folder: Path) -> str:
    """The page, with the digests of the files in `folder`."""
    rows = [
        f"| `{name}` | {what} | `{command}` | {_digest(folder / name)} |"
        for name, what, command in SOURCES
    ]
    return wrap(TEXT.format(version=artifact.version, sources="\n".join(rows))) + "\n"


def _digest(file: Path) -> str:
    if not file.is_file():
        return "not measured"
    return f"`{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}`"
