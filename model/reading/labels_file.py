"""A CSV file of labelled X-rays, as training and evaluation read it.

One row for each image: `file` (a path, relative to the folder of the CSV file), `label` (normal or
pneumonia) and `patient` are required; `source` (who made the X-rays; the name of the CSV file
where it is left out), `split` (train or test; train where it is left out) and `age` (completed
years, such as 54, or a band, such as 18-65) are optional. Rows with another label, such as
tuberculosis, are left out and counted. Other columns are ignored.

Where there is no column `file`, `digest` is required in its place: the SHA-256 of a file anywhere
below the folder of the CSV file, as in the service's export of what readers said
(`GET /v1/reviews.csv`). Rows whose file is not there are left out and counted.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from model.reading.ages import AgeBand, age_band
from model.reading.dataset import DataError, LabelledXray
from model.reading.labels import CLASSES

REQUIRED = ("file", "label", "patient")
DIGEST, FILE = "digest", "file"
SPLITS = ("train", "test")

ABSENT = "whose file is not there"
"""In place of a label, for rows with the digest of no file."""


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
            names = rows.fieldnames or ()
            by_digest = FILE not in names and DIGEST in names
            required = [DIGEST if by_digest and name == FILE else name for name in REQUIRED]
            missing = [name for name in required if name not in names]
            if missing:
                raise DataError(f"{path} has no column named {' or '.join(missing)}.")
            files = _list_digests(path.parent) if by_digest else None
            for row in rows:
                _add_row(found, row, path, rows.line_num, required, files)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV file: {error}.") from error
    return found


def _list_digests(folder: Path) -> dict[str, Path]:
    """The files below a folder by their SHA-256; of identical ones the first by name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found.setdefault(hashlib.file_digest(file, "sha256").hexdigest(), path)
    return found


def _add_row(
    found: LabelsFile,
    row: dict[str, str | None],
    path: Path,
    line: int,
    required: Sequence[str],
    files: Mapping[str, Path] | None,
) -> None:
    """Add the X-ray of one row to its split, or count it; `files` by digest, if it names that."""
    cell = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    empty = [name for name in required if not cell[name]]
    if empty:
        raise DataError(f"Line {line} of {path} has no {' and no '.join(empty)}.")
    split = cell.get("split") or "train"
    if split not in SPLITS:
        raise DataError(f"Line {line} of {path} has the split {split}; only train and test exist.")
    if cell["label"] not in CLASSES:
        found.left_out[cell["label"]] += 1
        return
    source = cell.get("source") or path.stem
    file = path.parent / cell[FILE] if files is None else files.get(cell[DIGEST].lower())
    if file is None:
        found.left_out[ABSENT] += 1
        return
    xray = LabelledXray(
        file,
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
