"""Write the labels of `adults_more` as a CSV file that `model.cnn --data` takes.

    python -m model.training.adults --data ../shared/data/adults_more --out var/adults.csv

Normal films and pneumonias alone, with the sources and patients of the set: `rsna_nih_normals` (all
normal), `hannover` and `cohen_open` (pneumonias, but for eight films).
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from model.evaluation.sets import list_adults
from model.reading.labels import CLASSES


def write_adults(folder: Path, out: Path) -> int:
    """Write the CSV file; returns the number of X-rays. Raises OSError."""
    xrays = list_adults(folder)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label", "patient", "source", "age"])
        for xray in xrays:
            age = xray.age.youngest if xray.age else ""
            label = CLASSES[xray.label]
            rows.writerow([xray.path.resolve(), label, xray.patient, xray.source, age])
    return len(xrays)


def main(argv: Sequence[str] | None = None) -> int:
    """Write it; a folder that is not there is printed as one line."""
    parser = argparse.ArgumentParser(description="Write labels of adults as a CSV file.")
    parser.add_argument("--data", type=Path, required=True, help="folder with labels.csv, images/")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    try:
        count = write_adults(arguments.data, arguments.out)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    print(f"{arguments.out}: {count} X-rays.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
