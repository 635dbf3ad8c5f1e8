"""A report as FHIR, checked by the models of `fhir.resources`."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.report.fhir import describe
from pneumonia_api.report.gathering import gather
from tests.pneumonia_api.report.read_xrays import KEPT, MODEL, PREVALENCE, make_read, read_by


def tell(xray: XrayRecord, *, silent: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Its resources by kind; the whole is valid by another's models, and refers to nothing else."""
    report = gather(xray, silent=silent, prevalence=PREVALENCE, model=MODEL)
    described = describe(report)
    Bundle.model_validate_json(json.dumps(described))
    urls = {each["fullUrl"] for each in described["entry"]}
    found: dict[str, list[dict[str, Any]]] = {}
    for each in described["entry"]:
        found.setdefault(each["resource"]["resourceType"], []).append(each["resource"])
    [main] = found["DiagnosticReport"]
    assert {each["reference"] for each in main["result"]} <= urls
    return found


def test_report_has_reading_result_and_model() -> None:
    """With band, threshold, worth, reader and versions."""
    found = tell(make_read(read_by("ann", "pneumonia", note="Consolidation")))
    [main] = found["DiagnosticReport"]
    assert (main["status"], main["conclusion"]) == ("final", "Pneumonia")
    assert main["conclusionCode"][0]["coding"][0]["code"] == "233604007"
    assert main["resultsInterpreter"] == [{"display": "ann"}]
    reading, result = found["Observation"]
    assert reading["note"][0]["text"] == "Consolidation"
    assert result["valueQuantity"]["value"] == 0.91
    assert result["referenceRange"][0]["low"]["value"] == 0.3
    assert "49%" in result["note"][1]["text"]
    [device] = found["Device"]
    assert device["version"][0]["value"] == "m1"


@pytest.mark.parametrize(
    ("silent", "values", "code"),
    [
        (True, {}, "masked"),
        (False, {"age": "under"}, "not-applicable"),
        (False, {"warnings": ("Blurred.",)}, "unsupported"),
    ],
)
def test_withheld_result_is_absent_with_its_reason(
    silent: bool, values: dict[str, object], code: str
) -> None:
    """And nowhere else in it."""
    found = tell(make_read(**values), silent=silent)
    result = found["Observation"][-1]
    assert result["dataAbsentReason"]["coding"][0]["code"] == code
    assert not {"valueQuantity", "interpretation", "component", "referenceRange"} & set(result)
    text = json.dumps(found)
    assert "0.91" not in text
    assert "likely" not in text


def test_same_reading_has_the_same_ids_and_a_new_one_others() -> None:
    """So that sending a report again changes nothing where it was filed before."""
    first = make_read(read_by("ann", "pneumonia"))
    other = make_read(read_by("ann", "pneumonia"), read_by("ann", "normal"))
    other = XrayRecord(**{**vars(other), "id": first.id})

    def ids(xray: XrayRecord, *, silent: bool = False) -> set[str]:
        return {each["id"] for kind in tell(xray, silent=silent).values() for each in kind}

    assert ids(first) == ids(first)
    assert not ids(first) & ids(other)
    assert not ids(first) & ids(first, silent=True)


def test_every_standing_reading_is_an_observation() -> None:
    """Each with its reader; the last is the conclusion."""
    xray = make_read(read_by("ann", "normal"), read_by("ben", "pneumonia", ai="hidden"))
    found = tell(xray)
    readers = [each["performer"][0]["display"] for each in found["Observation"][:-1]]
    assert readers == ["ann", "ben"]
    assert found["DiagnosticReport"][0]["conclusion"] == "Pneumonia"
    assert found["Observation"][1]["note"][-1]["text"] == "The reader had not seen the AI result."


def test_nothing_names_a_patient() -> None:
    """There is no subject, and no resource of one."""
    found = tell(make_read())
    assert "Patient" not in found
    assert "subject" not in json.dumps(found)


def test_study_is_named_only_where_it_is_kept() -> None:
    """By its UID, as FHIR writes those of DICOM; the result is derived from it."""
    found = tell(make_read())
    assert "imagingStudy" not in found["DiagnosticReport"][0]
    assert "derivedFrom" not in found["Observation"][-1]
    found = tell(make_read(references=KEPT))
    for [study] in (
        found["DiagnosticReport"][0]["imagingStudy"],
        found["Observation"][-1]["derivedFrom"],
    ):
        assert study["identifier"] == {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3.1"}
