"""The heat map as a DICOM Parametric Map, with the numbers that the contours are drawn from.

It covers the whole picture of the DICOM that was judged, in the same direction, so that a viewer
can lay it over that; where the site does not keep what refers to it, it covers the capture. A
radiograph has no place in space, but a Parametric Map must have one: it has a frame of reference of
its own, and its pixels are nominally of 1 mm.
"""

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.sr import CodedConcept
from pydicom import Dataset
from pydicom.sr.codedict import codes

from pneumonia_api.records.record import PredictionRecord
from pneumonia_api.records.source_object import SourceObject
from pneumonia_api.report.contours import Rows, read_field
from pneumonia_api.report.dicom import (
    LABEL,
    SCHEME,
    Origin,
    declare_scheme,
    describe_equipment,
    fix_moments,
    refer_to,
    write_file,
)
from pneumonia_api.report.gathering import Report
from pneumonia_api.report.placing import to_film

SERIES_NUMBER = 9004
LONGER_SIDE = 128
"""Values along it: eight for each cell of the heat map, between which they are interpolated."""

OUTSIDE = -1.0
"""Where the network saw nothing, because the film ends there."""

QUANTITY = CodedConcept("grad-cam", SCHEME, "Strength of Grad-CAM")


def map_heat(
    report: Report, prediction: PredictionRecord, image: Dataset, origin: Origin
) -> ParametricMap:
    """The map; `image` is the capture."""
    source, moment = origin.source, origin.moment
    values = sample(prediction.heatmap, source, image.Rows / image.Columns)
    judged = refer_to(source, report.xray.accession) if source else Dataset(image)
    # highdicom wants them to be alike, and in space; it writes only those of the map.
    judged.Rows, judged.Columns = values.shape
    judged.FrameOfReferenceUID = origin.name("map-frame")
    judged.ImagePositionPatient, judged.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    judged.PixelSpacing, judged.SliceThickness = [1, 1], 1
    mapped = ParametricMap(
        source_images=[judged],
        pixel_array=values,
        series_instance_uid=origin.name("map-series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=origin.name("map"),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            RealWorldValueMapping(
                "Grad-CAM",
                "Strength of Grad-CAM, from 0 to 1",
                codes.UCUM.NoUnits,
                (0.0, 1.0),
                slope=1.0,
                intercept=0.0,
                quantity_definition=QUANTITY,
            )
        ],
        voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
        content_label="HEAT_MAP",
        content_description=LABEL,
        series_description=LABEL,
        content_date=moment.date(),
        content_time=moment.time(),
        series_date=moment.date(),
        series_time=moment.time(),
        specific_character_set="ISO_IR 192",
        **describe_equipment(report),
    )
    mapped.BodyPartExamined = "CHEST"
    mapped.FloatPixelPaddingValue = mapped.FloatPixelPaddingRangeLimit = OUTSIDE
    mapped.CodingSchemeIdentificationSequence = [declare_scheme()]
    dimensions = origin.name("map-dimensions")  # a new one each time, else
    for each in (*mapped.DimensionOrganizationSequence, *mapped.DimensionIndexSequence):
        each.DimensionOrganizationUID = dimensions
    fix_moments(mapped, moment)
    return mapped


def write_map(
    report: Report, prediction: PredictionRecord, image: Dataset, origin: Origin
) -> bytes:
    """The file (PS3.10)."""
    return write_file(map_heat(report, prediction, image, origin))


def sample(rows: Rows, source: SourceObject | None, shape: float) -> np.ndarray:
    """(rows, columns) float32 of the strength, from 0 to 1, or OUTSIDE.

    Over the picture of `source`, else over the film, whose height is `shape` times its width.
    """
    if source:
        shape = source.rows / source.columns
    height = max(round(LONGER_SIDE * min(shape, 1)), 1)
    width = max(round(LONGER_SIDE / max(shape, 1)), 1)
    strength, most = read_field(rows), max(map(max, rows))
    values = np.full((height, width), OUTSIDE, np.float32)
    for row in range(height):
        for column in range(width):
            across, down = (column + 0.5) / width, (row + 0.5) / height
            if source:
                across, down = to_film(source, across * source.columns, down * source.rows)
            if 0 <= across <= 1 and 0 <= down <= 1:
                values[row, column] = strength(across, down) * most
    return values
