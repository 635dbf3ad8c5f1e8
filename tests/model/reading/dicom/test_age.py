"""`model.reading.dicom.age`: where a file places the patient in relation to a band of ages."""

import io

import numpy as np
import pytest
from pydicom import dcmread

from model.reading.ages import AGES, Age, AgeBand
from model.reading.dicom.age import ELEMENTS
from model.reading.dicom.header import read_header
from model.reading.limits import MAX_PIXELS
from model.reading.xray import read_xray
from tests.model.reading.dicom_objects import build, save

PIXELS = np.tile(np.linspace(0, 4000, 300, dtype=np.uint16), (200, 1))
CHILDREN = AgeBand(1, 5)


def place(age: str | None = "", birth: str = "", study: str = "", **elements: str) -> Age:
    """What is read of a file with these elements."""
    dataset = build(PIXELS, PatientBirthDate=birth, StudyDate=study, **elements)
    if age is not None:
        dataset.PatientAge = age
    return read_xray(save(dataset), ages=CHILDREN).age


@pytest.mark.parametrize(
    ("age", "where"),
    [
        ("003D", "under"),
        ("011W", "under"),
        ("000Y", "under"),
        ("011M", "under"),
        ("052W", "under"),  # may be a day short of a year
        ("053W", "within"),
        ("012M", "within"),
        ("018M", "within"),
        ("001Y", "within"),
        ("005Y", "within"),
        ("5Y", "within"),
        ("005y ", "within"),
        ("071M", "within"),
        ("072M", "above"),
        ("313W", "above"),  # may be six years
        ("006Y", "above"),
        ("034Y", "above"),
        ("120Y", "above"),
        ("121Y", "implausible"),
        ("200Y", "implausible"),
        ("-04Y", "implausible"),
        ("034", "implausible"),
        ("4 years", "implausible"),
        ("004Y\\034Y", "implausible"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*value.*:UserWarning")
def test_age_string(age: str | None, where: Age) -> None:
    """Completed units, as in 018M; what is only partly within the band counts as outside."""
    assert place(age) == where


@pytest.mark.parametrize(
    ("birth", "study", "where"),
    [
        ("20200315", "20210314", "under"),
        ("20200315", "20210315", "within"),
        ("20200315", "20260314", "within"),
        ("20200315", "20260315", "above"),
        ("20200229", "20260228", "within"),
        ("20200229", "20260301", "above"),
        ("20200315", "20200315", "under"),
        ("2020.03.15", "2024-06-01", "within"),
        ("20200315", "20200314", "implausible"),
        ("19000101", "20240601", "implausible"),
        ("20200231", "20240601", "implausible"),
        ("2020", "20240601", "implausible"),
        ("20200315", "", "unknown"),
        ("", "20240601", "unknown"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*value.*:UserWarning")
def test_dates_of_birth_and_study(birth: str, study: str, where: Age) -> None:
    """To the day, where the file has no age; birthdays count, and no study is before the birth."""
    assert place(birth=birth, study=study) == where


@pytest.mark.parametrize(
    ("age", "birth", "where"),
    [
        ("004Y", "20200315", "within"),
        ("034Y", "19900315", "above"),
        ("034Y", "20200315", "contradictory"),
        ("004Y", "19900315", "contradictory"),
        ("003D", "19900315", "contradictory"),
        ("200Y", "20200315", "implausible"),
        ("200Y", "19900315", "above"),
        ("004Y", "20300315", "implausible"),
        ("034Y", "20300315", "above"),
        ("200Y", "20300315", "implausible"),
    ],
)
def test_age_and_dates_together(age: str, birth: str, where: Age) -> None:
    """What disagrees is never within the band; nor is what one of them makes doubtful."""
    assert place(age, birth, "20240601") == where


def test_acquisition_date_where_the_study_has_none() -> None:
    """Some devices write only that."""
    assert place(birth="20200315", AcquisitionDate="20240601") == "within"
    assert place(birth="20200315", study="20400101", AcquisitionDate="20240601") == "above"


def test_model_without_a_band_asks_nothing() -> None:
    """Then no file says anything."""
    data = save(build(PIXELS, PatientAge="034Y"))
    assert read_xray(data).age == "unknown"


def test_no_date_and_no_age_stays_in_the_header() -> None:
    """They are gone before a pixel is decoded; only the place in the band is returned."""
    data = save(build(PIXELS, PatientAge="034Y", StudyDate="20240601", AcquisitionDate="20240601"))
    assert all(element in dcmread(io.BytesIO(data)) for element in ELEMENTS)
    dataset, _, age = read_header(data, MAX_PIXELS, CHILDREN)
    assert age in AGES
    assert not any(element in dataset for element in ELEMENTS)
    assert not any(text in str(dataset) for text in ("034Y", "20240601", "19900201"))


def test_damaged_elements_are_implausible() -> None:
    """Bytes that are no text refuse no X-ray."""
    dataset = build(PIXELS, PatientBirthDate="", StudyDate="")
    dataset.PatientAge = "034Y"
    data = save(dataset).replace(b"034Y", b"\xff\xfe\x00Y")
    assert read_xray(data, ages=CHILDREN).age == "implausible"
