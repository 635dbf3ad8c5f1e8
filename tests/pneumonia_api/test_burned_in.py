"""Text that is burned into the picture: said where the header says so, and no doubt about it."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pydicom import dcmread

from model.cage.child import answer
from model.cage.exchange import unpack
from model.reading.limits import MAX_PIXELS
from model.reading.xray import read_xray
from pneumonia_api.report.capture import write_capture
from pneumonia_api.report.dicom import find_origin, require
from pneumonia_api.report.gathering import Report, gather
from pneumonia_api.report.words import put_into_words
from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.report.read_xrays import MODEL, PREVALENCE, film, make_read

PIXELS = np.tile(np.linspace(0, 4000, 300, dtype=np.uint16), (280, 1))


@pytest.mark.parametrize(
    ("said", "burned_in"),
    [("YES", True), ("yes ", True), ("NO", False), ("", False), (None, False)],
)
def test_file_says_it(said: str | None, burned_in: bool) -> None:
    """It leaves the cage as one bit, and is no warning: the image is as good as any other."""
    data = save(build(PIXELS, **({} if said is None else {"BurnedInAnnotation": said})))
    xray = read_xray(data)
    assert xray.burned_in is burned_in
    assert xray.warnings == read_xray(save(build(PIXELS))).warnings
    (_, body), *_ = answer(data, MAX_PIXELS, 224)
    assert unpack(body, 224).burned_in is burned_in


def gather_burned_in(burned_in: bool) -> Report:
    """The report of a film that says so or not."""
    xray = replace(make_read(), burned_in=burned_in)
    return gather(xray, silent=False, prevalence=PREVALENCE, model=MODEL)


@pytest.mark.parametrize("burned_in", [True, False])
def test_what_leaves_with_the_picture_says_it(burned_in: bool) -> None:
    """The PDF below its film, in both languages, and the captured film as its source did."""
    report = gather_burned_in(burned_in)
    now = datetime.now(UTC)
    assert ("identifies the patient" in put_into_words(report, "en", now).caption) is burned_in
    assert ("Patienten identifiziert" in put_into_words(report, "de", now).caption) is burned_in
    data = write_capture(report, require(report), film(), find_origin(report))
    said = dcmread(io.BytesIO(data)).get("BurnedInAnnotation")
    assert said == ("YES" if burned_in else None)
