"""What the DICOM objects of a report have in common: where they belong, and who made them."""

import io
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom import Dataset, dcmwrite

from pneumonia_api.records.record import PredictionRecord
from pneumonia_api.records.source_object import SourceObject, read_source
from pneumonia_api.report.gathering import Report, ResultWithheld

# It reports each module of attributes that it copies.
logging.getLogger("highdicom").setLevel(logging.WARNING)

NAMESPACE = uuid.UUID("b0c0a3c5-7d58-5c0e-8f8a-3f2b7f0f6f21")
MANUFACTURER = "Pneumonia Detection Application"
LABEL = "AI result, not for diagnosis"
SCHEME = "99PNEUMONIA"
"""The private scheme of codes, declared in each object that has some (PS3.3, Coding Scheme
Identification Sequence)."""


@dataclass(frozen=True)
class Origin:
    """Where the objects of one reading belong.

    `key` names X-ray, model and reading: the same have the same UIDs, so that an object that is
    sent again replaces itself. `study` is a Study Instance UID. `moment` is that of the reading.
    `source` is what refers to the object that was judged, where the site keeps that.
    """

    key: str
    study: str
    moment: datetime
    source: SourceObject | None = None

    def name(self, part: str) -> str:
        """The UID of a part (PS3.5, B.2: derived from a UUID)."""
        return make_uid(f"{self.key}/{part}")


def require(report: Report) -> PredictionRecord:
    """The prediction. Raises ResultWithheld."""
    if not report.prediction:
        raise ResultWithheld(report.xray.id)
    return report.prediction


def make_uid(key: str) -> str:
    """The UID of what this key names: always the same."""
    return f"2.25.{uuid.uuid5(NAMESPACE, key).int}"


def find_origin(report: Report) -> Origin:
    """The study of the source, where that is kept; else one of its own for each X-ray.

    Raises ResultWithheld.
    """
    key = "/".join((report.xray.id, require(report).model, str(report.reading.number)))
    moment = datetime.fromisoformat(report.reading.reviewed_at).astimezone(UTC)
    references = report.xray.references
    source = read_source(references) if references else None
    return Origin(key, source.study if source else make_uid(report.xray.id), moment, source)


def refer_to(source: SourceObject, accession: str | None) -> Dataset:
    """The object that was judged, as far as highdicom needs it to refer to it: without a patient.

    Nothing else of its study is known, and so nothing contradicts it.
    """
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = source.kind, source.instance
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = source.study, source.series
    dataset.Rows, dataset.Columns = source.rows, source.columns
    dataset.SamplesPerPixel = 1
    dataset.AccessionNumber = accession or ""
    for name in (
        *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
        *("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
    ):
        setattr(dataset, name, "")
    return dataset


def declare_scheme() -> CodingSchemeIdentificationItem:
    """The private scheme, for an object that uses it."""
    return CodingSchemeIdentificationItem(
        SCHEME, name="Concepts of the Pneumonia Detection Application"
    )


def describe_equipment(report: Report) -> dict[str, Any]:
    """The attributes of the equipment, as arguments of highdicom's classes."""
    judged = report.prediction
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": "Pneumonia detection",
        "software_versions": f"{report.release}, model {judged.model if judged else ''}"[:64],
        "device_serial_number": judged.model[:64] if judged else "",
    }


def fix_moments(dataset: Dataset, moment: datetime) -> None:
    """Give the object the moment of the reading, in UTC, wherever highdicom wrote that of now."""
    dataset.TimezoneOffsetFromUTC = "+0000"
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = moment.date(), moment.time()
    if "ContentDate" in dataset:
        dataset.ContentDate, dataset.ContentTime = moment.date(), moment.time()
    for equipment in dataset.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = moment


def write_file(dataset: Dataset) -> bytes:
    """The object as a file (PS3.10)."""
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()
