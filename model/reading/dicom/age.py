"""What a DICOM object says about the patient's age, by Patient's Age and by birth and study dates.

Each is missing, implausible, or places the patient inside or outside a band of ages.
"""

import datetime
import re

from pydicom import Dataset

from model.reading.ages import OLDEST, Age, AgeBand
from model.reading.dicom.anatomy import read_text

ELEMENTS = ("PatientAge", "PatientBirthDate", "StudyDate", "AcquisitionDate")
"""Read here, and nowhere else."""

_AGE = re.compile(r"(\d{1,3})([DWMY])")
_DATE = re.compile(r"(\d{4})([.-]?)(\d\d)\2(\d\d)")

_DAYS_A_MONTH = 365.2425 / 12
_MONTHS = {"D": 1 / _DAYS_A_MONTH, "W": 7 / _DAYS_A_MONTH, "M": 1.0, "Y": 12.0}
"""By the unit of an Age String (PS3.5, table 6.2-1)."""


def read_age(dataset: Dataset, band: AgeBand | None) -> Age:
    """Where the patient's age is in relation to `band`; unknown if there is no band.

    Never raises: an element that is damaged is implausible.
    """
    if band is None:
        return "unknown"
    found = {_place_age(dataset, band), _place_dates(dataset, band)} - {"unknown"}
    placed = found - {"implausible"}
    if len(placed) == 2:
        return "contradictory"
    if "implausible" in found and placed <= {"within"}:
        return "implausible"
    return placed.pop() if placed else "unknown"


def _place_age(dataset: Dataset, band: AgeBand) -> Age:
    text = read_text(dataset, "PatientAge")
    if not text:
        return "unknown"
    parts = _AGE.fullmatch(text)
    if not parts:
        return "implausible"
    count, month = int(parts[1]), _MONTHS[parts[2]]
    if count * month > 12 * OLDEST:
        return "implausible"
    return band.place(count * month, (count + 1) * month)


def _place_dates(dataset: Dataset, band: AgeBand) -> Age:
    birth = read_text(dataset, "PatientBirthDate")
    study = read_text(dataset, "StudyDate") or read_text(dataset, "AcquisitionDate")
    if not birth or not study:
        return "unknown"
    born, taken = _read_date(birth), _read_date(study)
    if born is None or taken is None or taken < born:
        return "implausible"
    months = 12 * (taken.year - born.year) + taken.month - born.month - (taken.day < born.day)
    if months > 12 * OLDEST:
        return "implausible"
    return band.place(months, months + 1)


def _read_date(text: str) -> datetime.date | None:
    parts = _DATE.fullmatch(text)
    if not parts:
        return None
    try:
        return datetime.date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:  # such as 20190231
        return None
