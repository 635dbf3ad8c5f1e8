"""A CSV file of labelled X-rays, as training and evaluation read it.

One row for each image: `file` (a path, relative to the folder of the CSV file), `label` (normal or
pneumonia) and `patient` are required; `source` (who made the X-rays; the name of the CSV file
where it is left out), `split` (train or test; train where it is left out) and `age` (completed
years, such as 54, or a band, such as 18-65) are optional. Rows with another label, such as
tuberculosis, are left out and counted. Other columns are ignored.
"""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from model.reading.ages import AgeBand, age_band
from model.reading.dataset import DataError, LabelledXray
from model.reading.labels import CLASSES

REQUIRED = ("file", "label", "patient")
SPLITS = ("train", "test")


@dataclass(frozen=True)
class LabelsFile:
    """The X-rays of a CSV file by split, and how many rows have each label that is left out."""

    train: list[LabelledXray] = field(default_factory=list)
    test: list[LabelledXray] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_labels_file(path: Path) -> LabelsFile:
    """Read a CSV file, see the module. Raises DataError, which names the line and what is wrong."""
    found = LabelsFile()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
            if missing:
                raise DataError(f"{path} has no column named {' or '.join(missing)}.")
            for row in rows:
                _add_row(found, row, path, rows.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV file: {error}.") from error
    return found


def _add_row(found: LabelsFile, row: dict[str, str | None], path: Path, line: int) -> None:
    """Add the X-ray of one row to its split, or count it."""
    cell = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    empty = [name for name in REQUIRED if not cell[name]]
    if empty:
        raise DataError(f"Line {line} of {path} has no {' and no '.join(empty)}.")
    split = cell.get("split") or "train"
    if split not in SPLITS:
        raise DataError(f"Line {line} of {path} has the split {split}; only train and test exist.")
    if cell["label"] not in CLASSES:
        found.left_out[cell["label"]] += 1
        return
    source = cell.get("source") or path.stem
    xray = LabelledXray(
        path.parent / cell["file"],
        cell["patient"],
        CLASSES.index(cell["label"]),
        source,
        _read_age(cell.get("age") or "", path, line),
    )
    (found.train if split == "train" else found.test).append(xray)


def _read_age(text: str, path: Path, line: int) -> AgeBand | None:
    """Completed years or a band of them; None where the cell is empty."""
    if not text:
        return None
    try:
        return age_band(text if "-" in text else f"{text}-{text}")
    except ValueError as error:
        raise DataError(
            f"Line {line} of {path} has the age {text}, which is neither completed years nor a "
            "band of them, such as 18-65."
        ) from error
