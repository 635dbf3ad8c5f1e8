"""The contours as a Grayscale Softcopy Presentation State of the DICOM that was judged.

It shows the film as it was shown here: upright, with the same window, and the lines over it, which
a viewer can switch off. Without the source's UIDs there is nothing that it could be of.
"""

import numpy as np
from highdicom.content import PresentationLUTTransformation
from highdicom.pr import (
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
    SoftcopyVOILUTTransformation,
    TextObject,
)
from pydicom import Dataset

from pneumonia_api.records.record import PredictionRecord
from pneumonia_api.records.source_object import SourceObject
from pneumonia_api.report.contours import LEVELS, trace
from pneumonia_api.report.dicom import (
    LABEL,
    Origin,
    describe_equipment,
    fix_moments,
    refer_to,
    write_file,
)
from pneumonia_api.report.gathering import Report, StudyUnknown
from pneumonia_api.report.placing import find_turn, to_source

SERIES_NUMBER = 9003

_MAX_WINDOW = 1 << 17
"""Of 16 bits, twice: a line through a flat curve leaves the values far behind."""


def present(
    report: Report, prediction: PredictionRecord, origin: Origin
) -> GrayscaleSoftcopyPresentationState:
    """The presentation state. Raises StudyUnknown."""
    source = origin.source
    if source is None:
        raise StudyUnknown(report.xray.id)
    image = refer_to(source, report.xray.accession)
    moment = origin.moment
    layer = GraphicLayer("AI CONTOURS", 1, "Areas that most increased the score: no outlines")
    lines = [
        GraphicObject("POLYLINE", np.array(to_source(source, line)), "PIXEL")
        for level in LEVELS
        for line in trace(prediction.heatmap, level)
    ]
    [corner] = to_source(source, [(0.02, 0.98)])
    state = GrayscaleSoftcopyPresentationState(
        referenced_images=[image],
        series_instance_uid=origin.name("presentation-series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=origin.name("presentation"),
        instance_number=1,
        content_label="AI CONTOURS",
        content_description=LABEL,
        graphic_layers=[layer],
        graphic_annotations=[
            GraphicAnnotation(
                referenced_images=[image],
                graphic_layer=layer,
                graphic_objects=lines,
                text_objects=[
                    TextObject(LABEL, "PIXEL", anchor_point=corner, anchor_point_visible=False)
                ],
            )
        ],
        voi_lut_transformations=[find_window(source)],
        presentation_lut_transformation=PresentationLUTTransformation(
            "INVERSE" if source.black > source.white else "IDENTITY"
        ),
        series_description=LABEL,
        series_date=moment.date(),
        series_time=moment.time(),
        specific_character_set="ISO_IR 192",
        **describe_equipment(report),
    )
    state.BodyPartExamined = "CHEST"
    state.PresentationCreationDate, state.PresentationCreationTime = moment.date(), moment.time()
    _hang(state, source)
    fix_moments(state, moment)
    return state


def write_presentation(report: Report, prediction: PredictionRecord, origin: Origin) -> bytes:
    """The file (PS3.10). Raises StudyUnknown."""
    return write_file(present(report, prediction, origin))


def find_window(source: SourceObject) -> SoftcopyVOILUTTransformation:
    """Of stored values, because a presentation state without a modality LUT takes those; linear,
    where the source may have a curve."""
    low, high = sorted((source.black, source.white))
    width = min(max(high - low + 1, 1), _MAX_WINDOW)
    return SoftcopyVOILUTTransformation(
        window_center=round((low + high + 1) / 2, 2),
        window_width=round(width, 2),
        window_explanation="AS JUDGED",
    )


def _hang(state: Dataset, source: SourceObject) -> None:
    """Turn the picture upright, and show all of it (PS3.3, C.10.4 and C.10.6)."""
    degrees, mirrored = find_turn(source)
    state.ImageRotation, state.ImageHorizontalFlip = degrees, "Y" if mirrored else "N"
    (left, top), right, below = source.corners
    # The pixel that is at the top left when the picture hangs.
    first = (
        1 if right[0] + below[0] > 2 * left else source.columns,
        1 if right[1] + below[1] > 2 * top else source.rows,
    )
    last = source.columns + 1 - first[0], source.rows + 1 - first[1]
    [area] = state.DisplayedAreaSelectionSequence
    area.DisplayedAreaTopLeftHandCorner = list(first)
    area.DisplayedAreaBottomRightHandCorner = list(last)
    area.PresentationPixelAspectRatio = [round(1000 * source.aspect), 1000]
