"""Labels of an archive that was scored: a folder, and a CSV file that says what is in its files.

The records of an archive have no file names, because hospitals put patients' names there. A file is
found by its digest, as the scoring itself finds what it has done.
"""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pneumonia_api.acceptance.films import Film, Label, make_film
from pneumonia_api.batch.listing import NotRegular, open_regular
from pneumonia_api.records.record import fingerprint_file
from pneumonia_api.records.xrays import XrayStore

COLUMNS = ("file", "label")
LABELS = {"pneumonia": True, "normal": False}


class CannotAssess(RuntimeError):
    """Why there is nothing to assess, and what to do, in one sentence."""


@dataclass(frozen=True)
class Row:
    """A line of the file of labels: a path below the folder, whether ill, and the patient or ""."""

    file: str
    ill: bool
    patient: str


def read_labels(path: Path) -> list[Row]:
    """The labels in a CSV file with the columns file, label and, better, patient.

    A label is pneumonia or normal; lines with any other are left out. Raises CannotAssess.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise CannotAssess(f"{path} has no column {missing[0]}.")
            lines = list(reader)
    except OSError as error:
        raise CannotAssess(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CannotAssess(f"{path} is no CSV file in UTF-8.") from error
    rows = []
    for line in lines:
        label = (line["label"] or "").strip().lower()
        if label in LABELS:
            patient = (line.get("patient") or "").strip()
            rows.append(Row((line["file"] or "").strip(), LABELS[label], patient))
    if not rows:
        raise CannotAssess(f"{path} has no line with the label pneumonia or normal.")
    return rows


def find_films(
    folder: Path, rows: list[Row], xrays: XrayStore, judge: str
) -> tuple[int, list[Film]]:
    """How many different files have a label, and the films of those that have a prediction.

    Files with the same bytes are one. Raises CannotAssess if one was not scored by what decides now
    (`judge`, see `profiles.name_judge`), cannot be read, or is labelled in two ways.
    """
    by_digest: dict[str, Row] = {}
    for row in rows:
        digest = _digest(folder, row.file)
        if by_digest.setdefault(digest, row).ill is not row.ill:
            raise CannotAssess(
                f"{row.file} has the bytes of {by_digest[digest].file}, but another label."
            )
    fingerprints = [fingerprint_file(digest, judge) for digest in by_digest]
    found = dict(zip(by_digest, xrays.find_scored(fingerprints), strict=True))
    unscored = [by_digest[digest].file for digest, xray_id in found.items() if xray_id is None]
    if unscored:
        raise CannotAssess(
            f"{len(unscored)} of {len(found)} labelled files, such as {unscored[0]}, were not "
            f"scored by the model {judge}; run model/inference.py --data {folder} first."
        )
    return len(found), _make_films(by_digest, found, xrays)


def _make_films(
    by_digest: Mapping[str, Row], found: Mapping[str, str | None], xrays: XrayStore
) -> list[Film]:
    films = []
    for digest, row in by_digest.items():
        xray = xrays.get(str(found[digest]))
        if xray.prediction:
            films.append(make_film(xray, Label(row.ill, "file", ""), row.patient))
    return films


def _digest(folder: Path, name: str) -> str:
    path = folder / name
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CannotAssess(f"{path} cannot be read: {error.strerror}.") from error
    except NotRegular as error:
        raise CannotAssess(f"{path} cannot be read: {error}") from error
