"""The presentation state, laid over its film by dcmtk, and the heat map in the film's pixels."""

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread

from model.cage.child import answer
from model.cage.exchange import unpack
from model.reading.limits import MAX_PIXELS
from model.reading.xray import read_xray
from model.serving.golden import list_images
from pneumonia_api.report.capture import capture
from pneumonia_api.report.dicom import find_origin, require
from pneumonia_api.report.gathering import StudyUnknown, gather
from pneumonia_api.report.parametric_map import OUTSIDE, map_heat, write_map
from pneumonia_api.report.presentation import present, write_presentation
from tests.model.reading.dicom_objects import PATIENT, build, save
from tests.pneumonia_api.report.read_xrays import KEPT, MODEL, PREVALENCE, film, heat, make_read

UIDS = {"StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.2", "SOPInstanceUID": "1.2.3.3"}
WINDOW: dict[str, Any] = {"WindowCenter": "2000", "WindowWidth": "3000"}
PEAK = (3.5 / 16, 11.5 / 16)
"""Across and down of `heat`, as shares of the film."""


@dataclass(frozen=True)
class Laid:
    """A DICOM `file`, its film as it was judged, (rows, columns), and the objects made of it."""

    file: bytes
    film: np.ndarray
    state: bytes
    heat: Dataset


def lay(orientation: str, *, inverted: bool = False, **elements: Any) -> Laid:
    """A real film of 12 bits with a border of 30 pixels above and 50 on the left."""
    chest, _ = list_images()[0]
    upright = read_xray(chest.read_bytes()).pixels.astype(np.uint16) * 12 + 300
    framed = np.full((upright.shape[0] + 30, upright.shape[1] + 50), 4000, np.uint16)
    framed[30:, 50:] = upright
    framed = 4095 - framed if inverted else framed
    stored = {
        "L\\F": framed,
        "R\\F": framed[:, ::-1],
        "L\\H": framed[::-1],
        "F\\L": framed.T,
        "H\\R": framed[::-1, ::-1].T,
    }[orientation]
    file = save(
        build(
            np.ascontiguousarray(stored),
            PatientOrientation=orientation,
            **{**UIDS, **WINDOW, "PatientBirthDate": "", **elements},
        )
    )
    (_, body), *_ = answer(file, MAX_PIXELS, 224, references=True)
    report = gather(
        make_read(references=unpack(body, 224, references=True).references),
        silent=False,
        prevalence=PREVALENCE,
        model=MODEL,
    )
    origin, prediction = find_origin(report), require(report)
    image = capture(report, prediction, film(), origin)
    return Laid(
        file,
        read_xray(file).pixels,
        write_presentation(report, prediction, origin),
        map_heat(report, prediction, image, origin),
    )


def show(laid: Laid, folder: Path) -> np.ndarray:
    """What dcmp2pgm of dcmtk shows of the film under its presentation state."""
    if not shutil.which("dcmp2pgm"):
        pytest.skip("dcmp2pgm is not installed (Debian: dcmtk)")
    (folder / "film.dcm").write_bytes(laid.file)
    state = dcmread(io.BytesIO(laid.state))
    state.PatientName = state.PatientID = PATIENT  # as who sends it fills in: dcmtk refuses it else
    state.save_as(folder / "state.dcm")
    command = ["dcmp2pgm", "-p", "state.dcm", "film.dcm", "shown.pgm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(folder / "shown.pgm") as shown:
        return np.asarray(shown.convert("L"))


@pytest.mark.parametrize("orientation", ["L\\F", "R\\F", "L\\H", "F\\L", "H\\R"])
def test_film_is_shown_as_it_was_judged(orientation: str, tmp_path: Path) -> None:
    """Upright and with the same greys, around which the border is again."""
    laid = lay(orientation)
    shown = show(laid, tmp_path)
    height, width = laid.film.shape
    assert shown.shape == (height + 30, width + 50)
    apart = np.abs(shown[30:, 50:].astype(int) - laid.film)
    assert apart.mean() < 1.5


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": [], "WindowWidth": []},
        {"RescaleSlope": "0.5", "RescaleIntercept": "-100", "WindowCenter": "900"},
        {"PhotometricInterpretation": "MONOCHROME1", "inverted": True},
        {"RescaleSlope": "-1", "RescaleIntercept": "4095", "inverted": True},
        {"PixelAspectRatio": ["2", "1"]},
    ],
    ids=["no window", "rescaled", "inverted", "falling", "tall pixels"],
)
def test_film_is_shown_whatever_its_header_says(elements: dict[str, Any], tmp_path: Path) -> None:
    """The values that are black and white come with the state, and the shape of a pixel."""
    laid = lay("L\\F", **elements)
    shown = show(laid, tmp_path)
    found = Image.fromarray(shown[30:, 50:]).resize(laid.film.shape[::-1])
    apart = np.abs(np.asarray(found, int) - laid.film)
    assert apart.mean() < (4 if "PixelAspectRatio" in elements else 1.5)
    state = dcmread(io.BytesIO(laid.state))
    assert state.PresentationLUTShape == ("INVERSE" if "inverted" in elements else "IDENTITY")


def find_peak(laid: Laid) -> tuple[float, float]:
    """Column and row of the heat map's peak in the stored picture, by its parametric map."""
    values = np.frombuffer(laid.heat.FloatPixelData, "<f4")
    values = values.reshape(laid.heat.Rows, laid.heat.Columns)
    row, column = np.argwhere(values == values.max()).mean(axis=0) + 0.5
    stored = dcmread(io.BytesIO(laid.file))
    return column / values.shape[1] * stored.Columns, row / values.shape[0] * stored.Rows


@pytest.mark.parametrize("orientation", ["L\\F", "R\\F", "L\\H", "F\\L", "H\\R"])
def test_contours_and_map_are_where_the_heat_is(orientation: str) -> None:
    """In pixels of the stored picture, past its border, however it is turned."""
    laid = lay(orientation)
    stored = dcmread(io.BytesIO(laid.file))
    height, width = laid.film.shape
    across, down = 50 + PEAK[0] * width, 30 + PEAK[1] * height
    place = {
        "L\\F": (across, down),
        "R\\F": (stored.Columns - across, down),
        "L\\H": (across, stored.Rows - down),
        "F\\L": (down, across),
        "H\\R": (stored.Columns - down, stored.Rows - across),
    }[orientation]
    within = 0.03 * max(stored.Rows, stored.Columns)
    assert find_peak(laid) == pytest.approx(place, abs=within)
    [annotation] = dcmread(io.BytesIO(laid.state)).GraphicAnnotationSequence
    [reference] = annotation.ReferencedImageSequence
    assert reference.ReferencedSOPInstanceUID == "1.2.3.3"
    lines = [
        np.reshape(each.GraphicData, (-1, 2))
        for each in annotation.GraphicObjectSequence
        if each.GraphicAnnotationUnits == "PIXEL"
    ]
    assert len(lines) == 2
    for line in lines:
        assert (line.min(axis=0) + line.max(axis=0)) / 2 == pytest.approx(place, abs=2 * within)


def test_map_has_no_strength_where_the_film_ends() -> None:
    """It says so by a value that stands for nothing, and keeps those of the heat map inside."""
    laid = lay("L\\F")
    values = np.frombuffer(laid.heat.FloatPixelData, "<f4")
    assert laid.heat.FloatPixelPaddingValue == OUTSIDE
    assert set(values[values < 0]) == {OUTSIDE}
    height, width = laid.film.shape
    border = 1 - height * width / ((height + 30) * (width + 50))
    assert (values == OUTSIDE).mean() == pytest.approx(border, abs=0.01)
    assert values.max() == pytest.approx(max(map(max, heat())), abs=0.02)


@pytest.mark.parametrize("references", [None, KEPT], ids=["alone", "in its study"])
def test_objects_conform_to_the_standard(tmp_path: Path, references: str | None) -> None:
    """By dciodvfy; the same reading gives the same bytes; without a study there is no state."""
    report = gather(
        make_read(references=references), silent=False, prevalence=PREVALENCE, model=MODEL
    )
    origin, prediction = find_origin(report), require(report)
    image = capture(report, prediction, film(), origin)
    made = {"ParametricMap": lambda: write_map(report, prediction, image, origin)}
    if references:
        made["GrayscaleSoftcopyPresentationState"] = lambda: write_presentation(
            report, prediction, origin
        )
    else:
        with pytest.raises(StudyUnknown):
            present(report, prediction, origin)
    for kind, make in made.items():
        assert make() == make()
        file = tmp_path / f"{kind}.dcm"
        file.write_bytes(make())
        assert dcmread(file).StudyInstanceUID == ("1.2.3.1" if references else origin.study)
        if not shutil.which("dciodvfy"):
            pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
        done = subprocess.run(["dciodvfy", file], capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr).splitlines()
        assert kind in said
        assert [line for line in said if line.startswith("Error")] == []
