"""A report as a DICOM structured report: TID 1500, as IHE AI Results has it.

The measurement group has the probability, measured by the model as an algorithm identification,
the finding, and what a person made of it. Concepts that no public scheme has are in a private one.
"""

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    LanguageOfContentItemAndDescendants,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes

from pneumonia_api.records.record import PredictionRecord
from pneumonia_api.report.dicom import (
    MANUFACTURER,
    SCHEME,
    Origin,
    declare_scheme,
    describe_equipment,
    fix_moments,
    make_uid,
    refer_to,
    write_file,
)
from pneumonia_api.report.gathering import Report

SERIES_NUMBER = 9002
ALGORITHM = "Pneumonia detection, frontal chest X-ray"


def _private(value: str, meaning: str) -> CodedConcept:
    return CodedConcept(value, SCHEME, meaning)


STUDY = CodedConcept("30745-4", "LN", "XR Chest Views")
PNEUMONIA = CodedConcept("233604007", "SCT", "Pneumonia")
RATIO = CodedConcept("1", "UCUM", "no units")
PROBABILITY = _private("probability", "Probability of pneumonia where half of patients have it")
THRESHOLD = _private("threshold", "Threshold of the probability")
LOW = _private("uncertain-from", "Probability from which the finding is uncertain")
HIGH = _private("uncertain-to", "Probability below which the finding is uncertain")
FINDING = _private("finding", "AI finding")
READING = _private("reading", "Reading by a person")
AGREEMENT = _private("agreement", "Agreement of the reader with the AI finding")

FINDINGS = {
    "pneumonia_likely": _private("pneumonia-likely", "Pneumonia likely"),
    "uncertain": _private("uncertain", "Uncertain"),
    "no_pneumonia_detected": _private("none-detected", "No pneumonia detected"),
}
READINGS = {
    "pneumonia": PNEUMONIA,
    "normal": _private("no-pneumonia", "No pneumonia"),
    "unsure": _private("unsure", "Unsure"),
}
AGREES = {
    True: _private("agrees", "The reader agrees"),
    False: _private("disagrees", "The reader disagrees"),
    None: _private("not-comparable", "Nothing to agree with"),
}


def find_agreement(report: Report) -> bool | None:
    """Whether the reader agrees; None where the finding or the reading is undecided."""
    if report.decision is None or report.reading.label == "unsure":
        return None
    return report.decision == report.reading.label


def structure(
    report: Report, prediction: PredictionRecord, image: Dataset, origin: Origin
) -> Comprehensive3DSR:
    """The structured report.

    It refers to `image`, the capture; what was measured is the source, where that is known.
    """
    source = origin.source
    judged = refer_to(source, report.xray.accession) if source else image
    low, high = prediction.uncertain or (prediction.threshold, prediction.threshold)
    algorithm = AlgorithmIdentification(
        name=ALGORITHM,
        version=prediction.model,
        family=codes.DCM.ArtificialIntelligence,
        parameters=[f"arithmetic {prediction.precision}"],
        manufacturer=MANUFACTURER,
    )
    values = (
        (PROBABILITY, prediction.probability),
        (THRESHOLD, prediction.threshold),
        (LOW, low),
        (HIGH, high),
    )
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=make_uid(f"{report.xray.id}/finding"), identifier=f"{report.xray.id[-8:]} pneumonia"
        ),
        finding_type=PNEUMONIA,
        algorithm_id=algorithm,
        measurements=[Measurement(name, round(value, 4), RATIO) for name, value in values],
        qualitative_evaluations=[
            QualitativeEvaluation(FINDING, FINDINGS[str(prediction.finding)]),
            QualitativeEvaluation(READING, READINGS[report.reading.label]),
            QualitativeEvaluation(AGREEMENT, AGREES[find_agreement(report)]),
        ],
        source_images=[SourceImageForMeasurementGroup(judged.SOPClassUID, judged.SOPInstanceUID)],
    )
    content = MeasurementReport(
        observation_context=_name_observers(report, prediction),
        procedure_reported=STUDY,
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            CodedConcept("en", "RFC5646", "English")
        ),
        referenced_images=[image],
    )
    moment = origin.moment
    document = Comprehensive3DSR(
        evidence=[image, judged],
        content=content,
        series_instance_uid=origin.name("structured-series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=origin.name("structured"),
        instance_number=1,
        is_complete=True,
        is_final=True,
        is_verified=False,
        coding_schemes=[declare_scheme()],
        series_description="AI result and reading",
        content_date=moment.date(),
        content_time=moment.time(),
        series_date=moment.date(),
        series_time=moment.time(),
        specific_character_set="ISO_IR 192",
        **describe_equipment(report),
    )
    fix_moments(document, moment)
    return document


def write_structured(
    report: Report, prediction: PredictionRecord, image: Dataset, origin: Origin
) -> bytes:
    """The file (PS3.10)."""
    return write_file(structure(report, prediction, image, origin))


def _name_observers(report: Report, prediction: PredictionRecord) -> ObservationContext:
    """The reader by the name of their account, and the model as a device."""
    reader = report.reading.reader
    return ObservationContext(
        observer_person_context=ObserverContext(
            observer_type=codes.DCM.Person,
            observer_identifying_attributes=PersonObserverIdentifyingAttributes(
                name=f"{reader}^",  # the caret says that one name is all there is (PS3.5, 6.2)
                login_name=reader,
            ),
        ),
        observer_device_context=ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
                uid=make_uid(f"model/{prediction.model}"),
                name=ALGORITHM,
                manufacturer_name=MANUFACTURER,
                model_name="Pneumonia detection",
                serial_number=prediction.model,
            ),
        ),
    )
