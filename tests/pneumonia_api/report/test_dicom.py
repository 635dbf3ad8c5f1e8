"""The DICOM objects of a report, read by programs of others: dciodvfy and dsrdump."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import MeasurementReport, srread
from pydicom import Dataset, dcmread

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.report.capture import capture, draw_contours, write_capture
from pneumonia_api.report.dicom import find_origin, require
from pneumonia_api.report.gathering import ResultWithheld, gather
from pneumonia_api.report.structured import write_structured
from tests.pneumonia_api.report.read_xrays import (
    KEPT,
    MODEL,
    PREVALENCE,
    film,
    heat,
    make_read,
    read_by,
)


def make(xray: XrayRecord) -> dict[str, bytes]:
    """The files of its report by kind."""
    report = gather(xray, silent=False, prevalence=PREVALENCE, model=MODEL)
    origin = find_origin(report)
    image = capture(report, require(report), film(), origin)
    return {
        "capture": write_capture(report, require(report), film(), origin),
        "structured": write_structured(report, require(report), image, origin),
    }


def parse(data: bytes) -> Dataset:
    """The object."""
    return dcmread(io.BytesIO(data))


def run(program: str, file: Path) -> str:
    """What a program prints of a file, on both channels."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed (Debian: dicom3tools, dcmtk)")
    done = subprocess.run([program, str(file)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("references", [None, KEPT], ids=["alone", "in its study"])
@pytest.mark.parametrize("kind", ["capture", "structured"])
def test_objects_conform_to_the_standard(tmp_path: Path, kind: str, references: str | None) -> None:
    """dciodvfy checks every attribute of the object's definition and finds no error."""
    file = tmp_path / f"{kind}.dcm"
    file.write_bytes(make(make_read(references=references))[kind])
    said = run("dciodvfy", file)
    assert {"capture": "SCImage", "structured": "Comprehensive3DSR"}[kind] in said
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_structured_report_is_read_by_dcmtk(tmp_path: Path) -> None:
    """With the model as the algorithm, probability, finding and what the reader made of it."""
    file = tmp_path / "report.dcm"
    file.write_bytes(make(make_read(read_by("ann", "normal")))["structured"])
    said = run("dsrdump", file)
    for told in (
        "Imaging Measurement Report",
        "Algorithm Name",
        "Algorithm Version",
        '"m1"',
        "Tracking Unique Identifier",
        "Probability of pneumonia",
        '"0.91"',
        "Pneumonia likely",
        "The reader disagrees",
        "No pneumonia",
        '"ann"',
    ):
        assert told in said, told
    assert not [line for line in said.splitlines() if line.startswith(("E:", "F:"))]


def test_structured_report_is_a_tid_1500_by_its_reader() -> None:
    """highdicom finds the measurement group again, by its tracking identifier."""
    report = srread(io.BytesIO(make(make_read())["structured"]))
    assert isinstance(report.content, MeasurementReport)
    [group] = report.content.get_image_measurement_groups()
    names = {each.name.value: each.value for each in group.get_measurements()}
    assert names["probability"] == 0.91
    assert group.tracking_uid
    evaluated = {each.name.value for each in group.get_qualitative_evaluations()}
    assert evaluated >= {"finding", "reading", "agreement"}


def test_same_reading_gives_the_same_bytes_and_a_new_one_other_uids() -> None:
    """So that an archive keeps one of each, however often it is sent."""
    xray = make_read(read_by("ann", "normal"))
    assert make(xray) == make(xray)
    again = make_read(read_by("ann", "normal"), read_by("ann", "pneumonia"))
    other = make(XrayRecord(**{**vars(again), "id": xray.id}))
    for kind, data in make(xray).items():
        one, two = parse(data), parse(other[kind])
        assert one.SOPInstanceUID != two.SOPInstanceUID
        assert one.StudyInstanceUID == two.StudyInstanceUID


def test_objects_of_one_report_refer_to_each_other_and_name_no_patient() -> None:
    """One study, a series each; patient's attributes are there, as they must be, and empty."""
    files = make(make_read())
    image, report = parse(files["capture"]), parse(files["structured"])
    assert image.StudyInstanceUID == report.StudyInstanceUID
    assert image.SeriesInstanceUID != report.SeriesInstanceUID
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    for each in (image, report):
        assert not each.PatientName and not each.PatientID and not each.PatientBirthDate


def test_report_belongs_to_the_study_of_its_source_where_that_is_kept() -> None:
    """Both objects, which refer to it; the structured report says that it was measured."""
    files = make(make_read(references=KEPT))
    report, image = parse(files["structured"]), parse(files["capture"])
    [series] = image.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == "1.2.3.2"
    for [item] in (series.ReferencedInstanceSequence, image.SourceImageSequence):
        assert item.ReferencedSOPInstanceUID == "1.2.3.3"
    assert {parse(each).StudyInstanceUID for each in files.values()} == {"1.2.3.1"}
    [evidence] = report.CurrentRequestedProcedureEvidenceSequence
    assert {
        (series.SeriesInstanceUID, item.ReferencedSOPInstanceUID)
        for series in evidence.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    } >= {("1.2.3.2", "1.2.3.3")}
    content = srread(io.BytesIO(files["structured"])).content
    assert isinstance(content, MeasurementReport)
    [group] = content.get_image_measurement_groups()
    [judged] = group.source_images
    assert judged.referenced_sop_instance_uid == "1.2.3.3"


def test_contours_are_white_on_black_in_the_captured_film() -> None:
    """Around the peak, and only with strength; elsewhere the film is as it was."""
    plain, drawn = draw_contours(film(), [[0.0] * 16] * 16), draw_contours(film(), heat())
    changed = (plain != drawn).any(axis=-1)
    assert 0.005 < changed.mean() < 0.1
    rows, columns = np.nonzero(changed)
    height, width = changed.shape
    assert abs(rows.mean() / height - 11.5 / 16) < 0.05
    assert abs(columns.mean() / width - 3.5 / 16) < 0.05
    assert (drawn[changed] == 255).all(axis=-1).any()


@pytest.mark.parametrize("withheld", [{"age": "above"}, {"warnings": ("Blurred.",)}])
def test_withheld_result_makes_no_object(withheld: dict[str, object]) -> None:
    """There would be nothing in it."""
    with pytest.raises(ResultWithheld):
        make(make_read(**withheld))
