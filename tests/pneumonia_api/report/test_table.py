"""A report as a table of one row."""

import csv
import io

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.report.gathering import gather
from pneumonia_api.report.table import COLUMNS, write_table
from tests.pneumonia_api.report.read_xrays import MODEL, PREVALENCE, make_read, read_by


def read_row(xray: XrayRecord, *, silent: bool = False) -> dict[str, str]:
    """The row by its columns."""
    report = gather(xray, silent=silent, prevalence=PREVALENCE, model=MODEL)
    [row] = csv.DictReader(io.StringIO(write_table(report)))
    return row


def test_row_has_reading_and_result() -> None:
    """Each in a column of its own."""
    row = read_row(make_read(read_by("ann", "normal", note="Clear, dry"), read_by("ben", "unsure")))
    assert tuple(row) == COLUMNS
    assert (row["reading"], row["reader"], row["note"]) == ("unsure", "ben", "")
    assert row["readings"] == "ann:normal ben:unsure"
    assert (row["finding"], row["probability"]) == ("pneumonia_likely", "0.91")
    assert (row["uncertain_from"], row["uncertain_to"]) == ("0.3", "0.7")
    assert row["worth"] == "0.4932"


def test_withheld_result_leaves_its_columns_empty() -> None:
    """And says why."""
    row = read_row(make_read(), silent=True)
    assert row["withheld"] == "silent"
    empty = ("finding", "probability", "threshold", "uncertain_from", "worth", "prevalence_percent")
    assert [row[name] for name in empty] == [""] * len(empty)


def test_note_is_no_formula() -> None:
    """A spreadsheet would compute it."""
    row = read_row(make_read(read_by("ann", "normal", note='=HYPERLINK("x")')))
    assert row["note"] == '\'=HYPERLINK("x")'
