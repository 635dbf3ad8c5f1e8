"""The labelled sets in the folder of `XRAY_DATA`, with source and age of each X-ray.

A set is found by its folder's name, next to the data of the training run. `nih_adults` and
`older_children` choose nothing: they are read once for each candidate, for the report.
"""

import csv
from dataclasses import replace
from pathlib import Path

from model.reading import dataset as data
from model.reading.ages import AgeBand
from model.reading.dataset import KERMANY, LabelledXray
from model.reading.labels import CLASSES
from model.serving.artifact import Artifact

KERMANY_AGES = AgeBand(1, 5)
ADULTS_MORE, NIH_ADULTS, OLDER_CHILDREN = "adults_more", "nih_adults", "older_children"
_OPACITY = {"Lung Opacity": 1, "Normal": 0}
"""The RSNA readers' classes (Shih et al. 2019); other abnormal lungs have no label here."""


def list_kermany(folder: Path, split: str) -> list[LabelledXray]:
    """The children of `train` or `test`. Raises DataError."""
    return [replace(xray, age=KERMANY_AGES) for xray in data.list_xrays(folder / split)]


def list_splits(artifact: Artifact, folder: Path) -> dict[str, list[LabelledXray]]:
    """The X-rays on which the run that made `artifact` trained, and those on which it validated.

    `folder` has the children's train/; adults are of `adults_more` next to it. Raises DataError.
    """
    trained_on = list_training_sources(artifact)
    training, validation = (
        [xray for xray in part if xray.source in trained_on]
        for part in _split_all(artifact, folder)
    )
    return {"training": training, "validation": validation}


def list_held_out(artifact: Artifact, folder: Path) -> list[LabelledXray]:
    """What that run did not train on: its validation patients, and those of other sources.

    Of another source they are the patients on whom a run with that source would have validated: the
    split is by source, so it is the same whether or not the run trained on them. Raises DataError.
    """
    return _split_all(artifact, folder)[1]


def list_training_sources(artifact: Artifact) -> list[str]:
    """Older records, of runs on the children alone, name none."""
    sources: list[str] = artifact.training.get("sources", [KERMANY])
    return sources


def _split_all(artifact: Artifact, folder: Path) -> tuple[list[LabelledXray], list[LabelledXray]]:
    arguments = artifact.training["arguments"]
    xrays = list_kermany(folder, "train")
    if (folder.parent / ADULTS_MORE).is_dir():
        xrays += list_adults(folder.parent / ADULTS_MORE)
    return data.split_by_patient(xrays, arguments["validation_share"], arguments["seed"])


def list_adults(folder: Path) -> list[LabelledXray]:
    """Normal films and pneumonias of `adults_more` or `older_children`, without other findings."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in CLASSES]
    return [
        LabelledXray(
            folder / "images" / row["file"],
            row["patient_id"],
            CLASSES.index(row["label"]),
            row["set"],
            _read_age(row["age"]),
        )
        for row in rows
    ]


def list_nih_adults(folder: Path) -> list[LabelledXray]:
    """Opacities (1) and normal films (0) of `nih_adults`, in which both are of one source."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["rsna_class"] in _OPACITY]
    return [
        LabelledXray(
            folder / "images" / row["file"],
            row["patient_id"],
            _OPACITY[row["rsna_class"]],
            NIH_ADULTS,
            _read_age(row["age"]),
        )
        for row in rows
    ]


def _read_age(text: str) -> AgeBand | None:
    """Completed years, of which a file may give a fraction; None where it gives none."""
    if not text:
        return None
    years = int(float(text))
    return AgeBand(years, years)
