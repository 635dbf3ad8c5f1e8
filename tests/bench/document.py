"""Copies the last run of the bench into the documents.

    python -m tests.bench.document

README.md gets the short comparison with other services, docs/measurements.md that and everything
else, each between its marks; the text around them is written by hand.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from tests.bench.bench import RAW
from tests.bench.peers.comparison import format_summary
from tests.bench.report import format_table
from tests.bench.sections import SECTIONS
from tests.bench.sides import ROOT

README, MEASUREMENTS = ROOT / "README.md", ROOT / "docs" / "measurements.md"


def cut_out(text: str, mark: str) -> str:
    """What is between the marks. Raises ValueError where they are not there once each."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the marks of {mark} must be there once")
    return text.split(begin)[1].split(end, maxsplit=1)[0]


def replace(file: Path, mark: str, body: str) -> None:
    """Put `body` between the marks."""
    text = file.read_text()
    old = f"<!-- {mark} -->\n{cut_out(text, mark)}<!-- /{mark} -->"
    file.write_text(text.replace(old, f"<!-- {mark} -->\n\n{body.strip()}\n\n<!-- /{mark} -->"))


def write_documents(found: dict[str, Any]) -> None:
    """Both files, from one run; the full table only from a run of all sections."""
    if "peers" in found:
        summary = format_summary(found["peers"], found["machine"])
        for file in (README, MEASUREMENTS):
            replace(file, "peers", summary)
    if all(section.name in found for section in SECTIONS):
        replace(MEASUREMENTS, "bench", format_table(found, SECTIONS))
    else:
        print("The last run was one of some sections, so the table of all keeps its figures.")


if __name__ == "__main__":
    argparse.ArgumentParser(description="Copy the last run into the documents.").parse_args()
    write_documents(json.loads(RAW.read_text()))
