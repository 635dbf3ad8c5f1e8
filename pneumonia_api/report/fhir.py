"""A report as FHIR R4: a Bundle with a DiagnosticReport, its Observations and the model.

Nothing in it names the patient, of whom the service knows nothing: whoever files it adds `subject`.
It refers to an ImagingStudy by the UID of the study, where the site keeps that; a resource of it
would need the patient, too.
"""

import uuid
from typing import Any

from pneumonia_api.records.readings import ReadingRecord
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.source_object import read_source
from pneumonia_api.report.gathering import Report
from pneumonia_api.report.speaking import Speaker
from pneumonia_api.report.words import FINDINGS, READINGS, WITHHELD

Resource = dict[str, Any]

NAMESPACE = uuid.UUID("3b7dd4a6-2f0c-5f0e-9c5e-0f8f6a4d9b51")
"""Of the names of all resources, so that a report of the same reading has the same ones."""

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

STUDY_CODE = (LOINC, "30745-4", "XR Chest Views")
PNEUMONIA = (SNOMED, "233604007", "Pneumonia")
ABSENT_BECAUSE = {
    "silent": ("masked", "Masked"),
    "age": ("not-applicable", "Not Applicable"),
    "image": ("unsupported", "Unsupported"),
}
"""Why there is no AI result, by `Report.withheld`, as code and display of FHIR."""

NOT_A_DEVICE = "Not a medical device: a second opinion, for a clinician who also reads the X-ray."


def describe(report: Report) -> Resource:
    """The Bundle, as JSON."""
    xray = report.xray
    readings = [_observe_reading(report, reading) for reading in report.readings]
    result, device = _observe_result(report), _describe_device(report)
    say = Speaker("en")
    main: Resource = {
        "resourceType": "DiagnosticReport",
        "id": _name(report, "report"),
        "identifier": [
            {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{_name(report, 'report')}"}
        ],
        "status": "final",
        "category": [_concept((SECTION, "RAD", "Radiology"))],
        "code": _concept(STUDY_CODE),
        "issued": report.reading.reviewed_at,
        "resultsInterpreter": [{"display": report.reading.reader}],
        "result": [_refer(each) for each in (*readings, result)],
        "conclusion": say(READINGS[report.reading.label]),
    }
    if report.reading.label == "pneumonia":
        main["conclusionCode"] = [_concept(PNEUMONIA)]
    if xray.accession:
        main["identifier"].append(
            {
                "type": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                            "code": "ACSN",
                            "display": "Accession ID",
                        }
                    ]
                },
                "value": xray.accession,
            }
        )
    if study := _refer_to_study(xray):
        main["imagingStudy"] = result["derivedFrom"] = [study]
    resources = [main, *readings, result, device]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": report.reading.reviewed_at,
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in resources],
    }


def _name(report: Report, part: str) -> str:
    """The id of a part: the same for the same X-ray, model and reading, and for nothing else.

    Without a result it is another resource, which does not replace the one with it.
    """
    model = report.prediction.judge if report.prediction else f"withheld-{report.withheld}"
    key = "/".join((report.xray.id, model, str(report.reading.number), part))
    return str(uuid.uuid5(NAMESPACE, key))


def _refer(resource: Resource) -> Resource:
    return {"reference": f"urn:uuid:{resource['id']}"}


def _refer_to_study(xray: XrayRecord) -> Resource | None:
    """As FHIR writes a DICOM UID in an identifier (ImagingStudy, 4.2)."""
    if not xray.references:
        return None
    uid = read_source(xray.references).study
    return {
        "type": "ImagingStudy",
        "identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"},
    }


def _concept(coding: tuple[str, str, str], text: str = "") -> Resource:
    system, code, display = coding
    concept: Resource = {"coding": [{"system": system, "code": code, "display": display}]}
    return {**concept, "text": text} if text else concept


def _observe_reading(report: Report, reading: ReadingRecord) -> Resource:
    """What a person said; a note is theirs, too."""
    word = READINGS[reading.label]
    value = _concept(PNEUMONIA, word) if reading.label == "pneumonia" else {"text": word}
    observed: Resource = {
        "resourceType": "Observation",
        "id": _name(report, f"reading-{reading.number}"),
        "status": "final",
        "category": [_concept((CATEGORY, "imaging", "Imaging"))],
        "code": {"text": "Reading of the chest X-ray for pneumonia"},
        "effectiveDateTime": reading.reviewed_at,
        "performer": [{"display": reading.reader}],
        "valueCodeableConcept": value,
    }
    notes = [reading.note] if reading.note else []
    notes.append(
        "The reader saw the AI result before."
        if reading.ai == "shown"
        else "The reader had not seen the AI result."
        if reading.ai
        else "It is not known whether the reader had seen the AI result."
    )
    return {**observed, "note": [{"text": text} for text in notes]}


def _observe_result(report: Report) -> Resource:
    """What the model said: its probability, with the band of uncertainty; or why it is withheld."""
    observed: Resource = {
        "resourceType": "Observation",
        "id": _name(report, "result"),
        "status": "final",
        "category": [_concept((CATEGORY, "imaging", "Imaging"))],
        "code": {"text": "Probability of pneumonia by AI, where half of the patients have it"},
        "issued": report.xray.created_at,
        "device": {"reference": f"urn:uuid:{_name(report, 'device')}"},
    }
    prediction = report.prediction
    if not prediction:
        code, display = ABSENT_BECAUSE[str(report.withheld)]
        text = WITHHELD[str(report.withheld)]
        return {**observed, "dataAbsentReason": _concept((ABSENT, code, display), text)}
    finding = FINDINGS[str(prediction.finding)]
    low, high = prediction.uncertain or (prediction.threshold, prediction.threshold)
    notes = [{"text": NOT_A_DEVICE}]
    if local := report.worth:
        share, least, most = local.worth.share, local.worth.low, local.worth.high
        notes.append(
            {
                "text": f"At this site's prevalence of {local.percent:g} %, {share:.0%} of "
                f"patients with this result have pneumonia "
                f"(95 % interval {least:.0%} to {most:.0%})."
            }
        )
    return {
        **observed,
        "valueQuantity": _quantity(prediction.probability),
        "interpretation": [{"text": finding}],
        "referenceRange": [
            {"low": _quantity(low), "high": _quantity(high), "text": "Uncertain in this range"}
        ],
        "component": [
            {"code": {"text": "Threshold"}, "valueQuantity": _quantity(prediction.threshold)},
            {"code": {"text": "Finding"}, "valueCodeableConcept": {"text": finding}},
        ],
        "note": notes,
    }


def _quantity(share: float) -> Resource:
    return {"value": round(share, 4), "unit": "1", "system": UCUM, "code": "1"}


def _describe_device(report: Report) -> Resource:
    judged = report.xray.prediction
    if judged is None:
        raise ValueError("a report is of an X-ray with a prediction")
    decides = report.prediction.profile if report.prediction else None
    profile = [{"type": {"text": "site profile"}, "value": decides}] if decides else []
    return {
        "resourceType": "Device",
        "id": _name(report, "device"),
        "deviceName": [{"name": "Pneumonia Detection Application", "type": "model-name"}],
        "version": [
            {"type": {"text": "model"}, "value": judged.model},
            {"type": {"text": "software"}, "value": report.release},
            *profile,
        ],
    }
