"""`make bench`: what the service costs compared with the bare model and with its alternatives.

    python -m tests.bench.bench [--quick] [--only peers,upload] [--again]

Lets everything that is compared take turns on the same X-rays, and prints Markdown; also in
var/bench.md, raw in var/bench.json. About half an hour on two free cores. Times are never
asserted: a busy machine may miss a target. The ratios hold, because turns are short and other load
affects all sides alike. `--again` prints var/bench.json without measuring.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.report import describe_machine, format_table
from tests.bench.section import Section
from tests.bench.sections import SECTIONS
from tests.bench.sides import ROOT
from tests.bench.workbench import QUICK, Counts, Workbench

TEXT, RAW = ROOT / "var" / "bench.md", ROOT / "var" / "bench.json"


def measure(sections: Sequence[Section], counts: Counts, raw: Path) -> dict[str, Any]:
    """Run the sections in their order; after each, `raw` has what was found until then."""
    found: dict[str, Any] = {"machine": describe_machine()}
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        # nginx, when root starts it, works as nobody and must reach its folder in here.
        scratch.chmod(0o755)
        bench = Workbench(scratch, counts, opened)
        for section in sections:
            print(f"{section.doing} ...", flush=True)
            started = time.monotonic()
            found[section.name] = section.measure(bench)
            raw.write_text(json.dumps(found, indent=2) + "\n")
            print(f"    {time.monotonic() - started:.0f} s", flush=True)
    return found


def pick_sections(names: str) -> list[Section]:
    """The sections of a list with commas. Raises argparse.ArgumentTypeError."""
    by_name = {section.name: section for section in SECTIONS}
    wanted = names.split(",")
    if unknown := set(wanted) - set(by_name):
        raise argparse.ArgumentTypeError(
            f"{', '.join(sorted(unknown))} is not one of {', '.join(by_name)}"
        )
    return [section for section in SECTIONS if section.name in wanted]


def main() -> int:
    """Measure, print the table, and keep it in var/."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure the running system.")
    parser.add_argument("--quick", action="store_true", help="few repetitions, to try the bench")
    parser.add_argument(
        "--only",
        type=pick_sections,
        default=list(SECTIONS),
        metavar="SECTION,...",
        help=f"a part of it: {', '.join(section.name for section in SECTIONS)}",
    )
    parser.add_argument("--again", action="store_true", help="print the last run once more")
    options = parser.parse_args()
    if options.again:
        found = json.loads(RAW.read_text())
    else:
        found = measure(options.only, QUICK if options.quick else Counts(), RAW)
    text = format_table(found, [section for section in options.only if section.name in found])
    print("\n" + text)
    TEXT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
