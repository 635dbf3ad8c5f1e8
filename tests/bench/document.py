"""Copies the last run of the bench into the documents.

    python -m tests.bench.document

README.md gets the short comparison with other services, docs/measurements.md that and everything
else, each between its marks; the text around them is written by hand. docs/measurements.json keeps
the times that the comparison is from.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from model.evaluation.marks import put_between
from tests.bench.bench import RAW
from tests.bench.peers.comparison import format_summary
from tests.bench.report import format_table
from tests.bench.sections import SECTIONS
from tests.bench.sides import ROOT

README, MEASUREMENTS = ROOT / "README.md", ROOT / "docs" / "measurements.md"
PEERS = MEASUREMENTS.with_suffix(".json")
"""The machine, and the time of each answer of the comparison in seconds."""

DIGITS = 4


def replace(file: Path, mark: str, body: str) -> None:
    """Put `body` between the marks."""
    file.write_text(put_between(file.read_text(), mark, body))


def round_floats(found: Any) -> Any:
    """Nested JSON with DIGITS decimals: a tenth of a millisecond, which no table shows."""
    if isinstance(found, dict):
        return {name: round_floats(value) for name, value in found.items()}
    if isinstance(found, list):
        return [round_floats(value) for value in found]
    return round(found, DIGITS) if isinstance(found, float) else found


def write_documents(measured: dict[str, Any]) -> None:
    """All files, from one run; the full table only from a run of all sections."""
    found = round_floats(measured)
    if "peers" in found:
        summary = format_summary(found["peers"], found["machine"])
        raw = {name: found[name] for name in ("machine", "peers")}
        PEERS.write_text(json.dumps(raw, separators=(",", ":")) + "\n")
        for file in (README, MEASUREMENTS):
            replace(file, "peers", summary)
    if all(section.name in found for section in SECTIONS):
        replace(MEASUREMENTS, "bench", format_table(found, SECTIONS))
    else:
        print("The last run was one of some sections, so the table of all keeps its figures.")


if __name__ == "__main__":
    argparse.ArgumentParser(description="Copy the last run into the documents.").parse_args()
    write_documents(json.loads(RAW.read_text()))
