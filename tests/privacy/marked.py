"""A DICOM file in which everything that could identify somebody has a mark that can be searched."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from tests.model.reading.dicom_objects import build

NEEDED = frozenset(
    {
        "SpecificCharacterSet",
        "SOPClassUID",
        "Modality",
        "BodyPartExamined",
        "ViewPosition",
        "PhotometricInterpretation",
        "TransferSyntaxUID",
    }
)
"""What says how to read the picture and that it is a chest: codes of the standard."""

DAY, TIME = "18070423", "031337"
DATES = (DAY, "1807-04-23", "23.04.1807", "23 Apr 1807")

_SEQUENCES = (
    "OtherPatientIDsSequence",
    "RequestAttributesSequence",
    "ReferringPhysicianIdentificationSequence",
    "PatientInsurancePlanCodeSequence",
    "OriginalAttributesSequence",
    "ReferencedStudySequence",
)
_NESTED = ("PatientName", "PatientID", "AccessionNumber", "InstitutionName", "StudyInstanceUID")


@dataclass
class Marked:
    """The file, and what each mark in it stands for; `accession` is one of them."""

    data: bytes
    marks: dict[str, str]
    accession: str


class Marker:
    """Makes marks, each of them once."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    def make(self, name: str, kind: str = "") -> str:
        """A mark for an element of a value representation, which its length fits."""
        number = len(self.marks)
        mark = f"9191{number:05}" if kind == "UI" else f"Zq{number:05}qZ"
        self.marks[mark] = name
        if kind == "UI":
            return f"1.2.826.{mark}.3"
        return f"{mark}^Jane" if kind == "PN" else f"http://{mark}" if kind == "UR" else mark

    def fill(self, name: str, kind: str) -> Any:
        """The value of an element."""
        if kind in ("DA", "TM", "DT"):
            return {"DA": DAY, "TM": TIME, "DT": DAY + TIME}[kind]
        return self.make(name, kind)


def list_texts() -> Iterator[tuple[int, str, str]]:
    """Tag, value representation and keyword of every element of the standard that may hold words,
    names, dates or identifiers: far more than the confidentiality profile (PS3.15, E.1) lists."""
    kinds = {"AE", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
    for number, (kind, _, _, _, keyword) in sorted(DicomDictionary.items()):
        marked = kind in kinds and keyword and keyword not in NEEDED
        if marked and 0x0008 <= Tag(number).group < 0x7FE0:
            yield number, kind, keyword


def mark_everything(pixels: np.ndarray, *, dated: bool = True, **elements: Any) -> Marked:
    """A chest X-ray with these pixels, a mark in each element of `list_texts`, in sequences, in
    private elements of three makers, in the preamble and in the file's own header.

    Without dates if not `dated`: theirs make every patient too old for a result to be stated.
    """
    marker = Marker()
    dataset = build(pixels)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    if not dated:
        del dataset.PatientBirthDate
    for number, kind, keyword in list_texts():
        if dated or kind not in ("DA", "DT"):
            dataset.add_new(number, kind, marker.fill(keyword, kind))
    for sequence in _SEQUENCES:
        item = Dataset()
        for keyword in _NESTED:
            kind = "UI" if keyword.endswith("UID") else "LO"
            setattr(item, keyword, marker.make(f"{sequence}.{keyword}", kind))
        setattr(dataset, sequence, [item])
    for group in (0x0009, 0x0019, 0x2001):
        block = dataset.private_block(group, marker.make(f"creator {group:04x}"), create=True)
        block.add_new(1, "LO", marker.make(f"private {group:04x} LO"))
        block.add_new(2, "UN", marker.make(f"private {group:04x} UN").encode())
        inner = Dataset()
        inner.PatientName = marker.make(f"private {group:04x} SQ", "PN")
        block.add_new(3, "SQ", [inner])
    dataset.add_new(0xFFFCFFFC, "OB", marker.make("trailing padding").encode() + b"\0")
    for name, value in elements.items():
        setattr(dataset, name, value)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = marker.make("source AE title")
    meta.ImplementationVersionName = marker.make("implementation")
    meta.PrivateInformationCreatorUID = UID("1.2.3")
    meta.PrivateInformation = marker.make("private information").encode() + b" "
    dataset.file_meta = meta
    dataset.preamble = marker.make("preamble").encode().ljust(128, b"\0")
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return Marked(file.getvalue(), marker.marks, str(dataset.AccessionNumber))


_MARK = r"Zq\d{5}qZ|9191\d{5}"
_WRITTEN = {
    code: re.compile(f"(?=({pattern}))".encode("latin-1"))
    for code, pattern in {
        "utf-8": _MARK,
        "utf-16-le": r"Z\0q\0(?:\d\0){5}q\0Z\0|9\0001\0009\0001\0(?:\d\0){5}",
        "utf-16-be": r"\0Z\0q(?:\0\d){5}\0q\0Z|\0009\0001\0009\0001(?:\0\d){5}",
    }.items()
}
"""What `Marker` makes, in any encoding that it may have; in one pass, as logs and databases are
long."""


def find_marks(text: bytes, marked: Marked) -> list[str]:
    """What of a file's marks, dates and times is in `text`, in any encoding that it may have."""
    found = {
        mark.decode(code) for code, written in _WRITTEN.items() for mark in written.findall(text)
    }
    names = [name for mark, name in marked.marks.items() if mark in found]
    return names + [day for day in DATES if day.encode() in text]
