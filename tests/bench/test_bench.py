"""The command line of the bench."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.bench import measure, pick_sections
from tests.bench.figures import Row
from tests.bench.report import format_table
from tests.bench.section import Section
from tests.bench.sections import SECTIONS
from tests.bench.workbench import QUICK


def test_sections_run_in_their_order_whatever_the_order_asked_for() -> None:
    """`load` weighs the system after the uploads of the sections before it."""
    assert [section.name for section in pick_sections("load,start")] == ["start", "load"]


def test_an_unknown_section_is_named_with_those_that_there_are() -> None:
    """A typing error does not run nothing."""
    with pytest.raises(argparse.ArgumentTypeError, match="uplod is not one of start, upload"):
        pick_sections("uplod")


def test_section_that_fails_costs_none_of_those_before_it(tmp_path: Path) -> None:
    """Half an hour of figures is on the disk."""

    def fail(bench: object) -> int:
        raise RuntimeError(bench)

    def make(name: str, measured: Callable[[object], int]) -> Section:
        return Section(name, name, measured, lambda found: [])

    raw = tmp_path / "bench.json"
    with pytest.raises(RuntimeError):
        measure([make("a", lambda _: 4), make("b", fail)], QUICK, raw)
    assert json.loads(raw.read_text())["a"] == 4


def test_names_are_distinct() -> None:
    """Each is a key of var/bench.json."""
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)


def test_table_has_what_was_measured_and_nothing_else() -> None:
    """A part of the bench gives a part of the table, appendices after all rows."""

    def make(name: str) -> Section:
        def rows(found: float) -> list[Row]:
            return [Row(name, f"{found} ms", "under 3 ms", found < 3), Row("and", "more")]

        return Section(name, "", lambda bench: None, rows, lambda found: f"### {name}")

    sections = [make("a"), make("b"), make("c")]
    text = format_table({"machine": "A machine.", "c": 2, "a": 4}, sections)
    lines = text.splitlines()
    assert lines[0] == "A machine."
    assert [line for line in lines if line.startswith("| ")][1:] == [
        "| a | 4 ms | under 3 ms | **missed** |",
        "| and | more |  |  |",
        "| c | 2 ms | under 3 ms | reached |",
        "| and | more |  |  |",
    ]
    assert text.endswith("\n### a\n\n### c\n")
