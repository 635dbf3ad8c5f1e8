"""What was measured -> the Markdown that the bench prints."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from tests.bench.section import Section

COMPARED = ("openvino", "onnxruntime", "tensorflow", "keras", "celery", "gunicorn")

TRUSTED = (
    "Compare ratios, not milliseconds; where other processes took above a few per cent of the "
    "processors, do not trust the milliseconds at all."
)


def describe_machine() -> str:
    """Processor, cores, other load, and the versions compared."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in COMPARED)
    return (
        f"{models[0] if models else platform.machine()}, {psutil.cpu_count()} cores, "
        f"load {psutil.getloadavg()[0]:.1f} at the start; "
        f"Python {platform.python_version()}, {versions}."
    )


def format_table(found: dict[str, Any], sections: Sequence[Section]) -> str:
    """The machine, a table that says of each target whether it was reached, and the appendices.

    Sections that were not measured are left out.
    """
    words = {None: "", True: "reached", False: "**missed**"}
    measured = [section for section in sections if section.name in found]
    lines = [found["machine"], TRUSTED, "", "| What | Measured | Target | |", "|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.measured} | {row.target} | {words[row.reached]} |"
        for section in measured
        for row in section.rows(found[section.name])
    ]
    appendices = [section.appendix(found[section.name]) for section in measured]
    return "\n".join([*lines, *(f"\n{text}" for text in appendices if text)]) + "\n"
