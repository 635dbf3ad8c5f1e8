"""A report as a DICOM secondary capture: the film with the contours drawn into it.

The fallback for viewers that show neither structured reports nor presentation states (IHE AIR).
"""

import io
from collections.abc import Sequence

import numpy as np
from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from PIL import Image, ImageDraw
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import JPEGBaseline8Bit
from pydicom.valuerep import DA, TM

from pneumonia_api.records.record import PredictionRecord
from pneumonia_api.records.source_object import SourceObject
from pneumonia_api.report.contours import LEVELS, trace
from pneumonia_api.report.dicom import LABEL, Origin, describe_equipment, fix_moments, write_file
from pneumonia_api.report.gathering import Report

SERIES_NUMBER = 9001
"""Far above those of a modality."""

PENS = (("black", 3.0, 1.0), ("white", 1.0, 0.5))
"""Colour, width, and how much wider each further level is: white lines on black ones."""

UNIT = 400
"""Of the longer side, the part that widths are in: what is drawn grows with the film."""


def capture(
    report: Report, prediction: PredictionRecord, preview: bytes, origin: Origin
) -> SCImage:
    """The image; `preview` is the film as it is stored, a JPEG."""
    moment = origin.moment
    image = SCImage(
        pixel_array=draw_contours(preview, prediction.heatmap),
        photometric_interpretation="YBR_FULL_422",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # as films hang; the reader warns of one that seems not to
        study_instance_uid=origin.study,
        series_instance_uid=origin.name("capture-series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=origin.name("capture"),
        instance_number=1,
        accession_number=report.xray.accession,
        # Of a study that is the source's, the dates are not known.
        study_date=None if origin.source else moment.date(),
        study_time=None if origin.source else moment.time(),
        content_date=moment.date(),
        content_time=moment.time(),
        series_date=moment.date(),
        series_time=moment.time(),
        series_description=LABEL,
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=JPEGBaseline8Bit,
        **describe_equipment(report),
    )
    image.BodyPartExamined = "CHEST"
    if report.xray.burned_in:
        image.BurnedInAnnotation = "YES"  # as the source says; the label that is drawn names nobody
    image.LossyImageCompression = "01"
    image.LossyImageCompressionMethod = "ISO_10918_1"
    raw = image.Rows * image.Columns * 3
    image.LossyImageCompressionRatio = f"{raw / len(image.PixelData):.2f}"
    image.DerivationDescription = LABEL
    image.DateOfSecondaryCapture, image.TimeOfSecondaryCapture = (
        DA(moment.date()),
        TM(moment.time()),
    )
    if origin.source:
        _refer(image, origin.source)
    fix_moments(image, moment)
    return image


def _refer(image: SCImage, source: SourceObject) -> None:
    """Say of which object of which series it is (PS3.3, C.12.2 and C.12.4)."""
    referred = Dataset()
    referred.ReferencedSOPClassUID, referred.ReferencedSOPInstanceUID = source.kind, source.instance
    series = Dataset()
    series.SeriesInstanceUID = source.series
    series.ReferencedInstanceSequence = [referred]
    image.ReferencedSeriesSequence = [series]
    derived = Dataset()
    derived.update(referred)
    derived.PurposeOfReferenceCodeSequence = [
        CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    ]
    image.SourceImageSequence = [derived]


def write_capture(
    report: Report, prediction: PredictionRecord, preview: bytes, origin: Origin
) -> bytes:
    """The file (PS3.10)."""
    return write_file(capture(report, prediction, preview, origin))


def draw_contours(preview: bytes, rows: Sequence[Sequence[float]]) -> np.ndarray:
    """(rows, columns, 3), uint8: the film with its contours."""
    with Image.open(io.BytesIO(preview)) as film:
        picture = film.convert("RGB")
    pen = ImageDraw.Draw(picture)
    contours = [trace(rows, level) for level in LEVELS]
    unit = max(1.0, max(picture.size) / UNIT)
    for colour, width, more in PENS:
        for index, lines in enumerate(contours):
            for line in lines:
                points = [(x * picture.width, y * picture.height) for x, y in line]
                weight = round(unit * (width + more * index))
                pen.line(points, fill=colour, width=weight, joint="curve")
    edge = (8 * unit, picture.height - 8 * unit)
    pen.text(
        edge,
        LABEL,
        fill="white",
        anchor="ls",
        font_size=10 * unit,
        stroke_width=round(unit),
        stroke_fill="black",
    )
    return np.asarray(picture)
