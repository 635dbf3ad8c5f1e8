"""What a report says of a result that a site profile decided."""

from dataclasses import replace
from datetime import UTC, datetime

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.report.fhir import describe
from pneumonia_api.report.gathering import Report, gather
from pneumonia_api.report.table import COLUMNS, write_table
from pneumonia_api.report.words import put_into_words
from tests.pneumonia_api.acceptance.profile import PROFILE
from tests.pneumonia_api.report.read_xrays import MODEL, PREVALENCE, make_read

MADE = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


def report(xray: XrayRecord, *, silent: bool = False) -> Report:
    """At a site that states a prevalence, with a model whose findings were measured."""
    return gather(xray, silent=silent, prevalence=PREVALENCE, model=MODEL)


def make_local() -> XrayRecord:
    """The same X-ray, decided by a profile."""
    xray = make_read()
    assert xray.prediction
    decided = replace(xray.prediction, profile=PROFILE.id, model_probability=0.99)
    return replace(xray, prediction=decided)


def test_report_names_the_profile_in_every_form() -> None:
    """On paper in both languages, in the table and in FHIR."""
    local = report(make_local())
    for language, told in (("en", "own site profile"), ("de", "eigenen Standortprofil")):
        versions = put_into_words(local, language, MADE).sections[-1].paragraphs[0]
        assert told in versions and PROFILE.id in versions
    assert PROFILE.id in write_table(local) and "site_profile" in COLUMNS
    assert f"'value': '{PROFILE.id}'" in str(describe(local))


def test_report_of_the_model_alone_names_none() -> None:
    """Nor does one in silent weeks, from which nothing of the result may be seen."""
    for each in (report(make_read()), report(make_local(), silent=True)):
        words = str(put_into_words(each, "en", MADE))
        assert "site profile" not in words
        assert PROFILE.id not in words + write_table(each) + str(describe(each))


def test_worth_of_the_model_is_not_said_of_a_profile() -> None:
    """It was measured at the model's own threshold and band."""
    assert report(make_read()).worth is not None
    assert report(make_local()).worth is None
