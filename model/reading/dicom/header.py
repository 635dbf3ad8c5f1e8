"""One DICOM object: bytes -> a checked header, with its pixels still encoded.

Accepts computed and digital radiography and secondary capture of a frontal chest: one grey frame of
8 to 16 bits. Only the elements in `_ELEMENTS` and those of the age are kept. None of them names a
person or a place; dates are read by `age` alone and then removed; descriptions, which are free
text, are searched for names of views and never repeated. A refusal never quotes a library's
message, which may hold values of elements.
"""

import logging
import struct
import warnings
import zlib

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from model.reading.ages import Age, AgeBand
from model.reading.dicom import age
from model.reading.dicom.accepted import SOP_CLASSES
from model.reading.dicom.anatomy import check_anatomy, read_text
from model.reading.dicom.bounds import BoundedReader, check_elements
from model.reading.dicom.values import read_number
from model.reading.kinds import HEAD_BYTES, has_preamble
from model.reading.limits import UnreadableXray, check_size

# pydicom's warnings and log quote values of elements, and so patient data. The filter is global
# because `warnings.catch_warnings` is not thread-safe.
warnings.filterwarnings("ignore", module="pydicom")
logging.getLogger("pydicom").propagate = False

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_ELEMENTS = (
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "AnatomicRegionSequence",
    "ViewPosition",
    "ViewCodeSequence",
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "BurnedInAnnotation",
    "PatientOrientation",
    "PixelAspectRatio",
    "ImagerPixelSpacing",
    "PixelSpacing",
    "PixelSpacingCalibrationType",
    "PresentationLUTShape",
    "PresentationIntentType",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "RescaleIntercept",
    "RescaleSlope",
    "ModalityLUTSequence",
    "VOILUTSequence",
)

_TAGS: list[BaseTag | int] = [Tag(element) for element in (*_ELEMENTS, *age.ELEMENTS, *_PIXELS)]

# Defined terms of Modality (PS3.3 C.7.3.1.1.1) that are not plain X-rays. Others are accepted:
# devices write DR, XR, CR, DX, RG (a digitised film), OT and SC, and terms of their own.
_OTHER_MODALITIES = {
    "CT": "CT",
    "MR": "MR",
    "US": "ultrasound",
    "MG": "mammography",
    "NM": "nuclear medicine",
    "PT": "PET",
    "XA": "angiography",
    "RF": "fluoroscopy",
    "IO": "dental X-ray",
    "PX": "dental X-ray",
}

_NO_XRAY_MODALITIES = (
    "AR AU BDUS BI BMD DG DOC ECG EEG EMG EPS ES FID GM HC HD IOL IVOCT IVUS KER KO LEN LS OAM OCT "
    "OP OPM OPT OPTBSV OPTENF OPV OSS PLAN PR REG RESP RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD "
    "RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TG VA XC"
)
_KNOWN_MODALITIES = ("CR", "DX", "DR", "XR", "RG", "OT", "SC")

_STORAGE = "1.2.840.10008.5.1.4.1.1."
"""Prefix of the standard's storage SOP classes; a private class does not show what it holds."""

_INFLATED_EXTRA = 16 * 1024 * 1024
"""Bytes that a deflated object may hold in addition to its pixels: tables, overlays, a report."""

_DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
"""Sequence Delimitation Item, little endian as in every encapsulated object (PS3.5 A.4)."""

PARSE_ERRORS = (
    BytesLengthException,
    InvalidDicomError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom raises for damaged objects; anything else is a bug and propagates. RecursionError is
for sequences nested too deeply."""


def max_inflated(max_pixels: int) -> int:
    """Limit in bytes of an inflated object, for a limit of pixels."""
    return 2 * max_pixels + _INFLATED_EXTRA


def read_header(
    data: bytes, max_pixels: int, ages: AgeBand | None = None
) -> tuple[Dataset, tuple[str, ...], Age]:
    """Parse an object and check that it is a frontal chest X-ray; no pixel is decoded yet.

    Returns it with warnings for the reader, and where the patient's age is in relation to `ages`.
    If modality, body part or view are missing, empty or unknown, nothing is guessed and the image
    is accepted. `max_pixels` also limits the size of an inflated object. Raises UnreadableXray.
    """
    try:
        dataset = parse(data, max_inflated(max_pixels), _TAGS)
        check_elements(dataset)
        found = age.read_age(dataset, ages)
        for element in age.ELEMENTS:
            dataset.pop(Tag(element), None)
        warned = _check_kind(dataset)
        _check_pixels(dataset)
        warned += check_anatomy(dataset)
        check_size(dataset.Columns, dataset.Rows, max_pixels)
    except UnreadableXray:
        raise
    except PARSE_ERRORS:
        # `from None`: the library's message may hold values of elements.
        raise UnreadableXray(
            "The DICOM file is damaged or incomplete; export it again and send the new file.",
            "unreadable",
        ) from None
    return dataset, warned, found


def parse(data: bytes, max_inflated: int, tags: list[BaseTag | int]) -> Dataset:
    """The elements `tags` of an object, whose inflated size is limited.

    Raises PARSE_ERRORS or UnreadableXray.
    """
    file = BoundedReader(data)
    file.seek(HEAD_BYTES if has_preamble(data) else 0)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflated = inflater.decompress(data[file.tell() :], max_inflated)
        if inflater.unconsumed_tail:
            raise UnreadableXray(
                "The deflated DICOM holds far more data than an X-ray needs; export it "
                "uncompressed.",
                "too_large",
            )
        dataset = read_dataset(BoundedReader(inflated), False, True, specific_tags=tags)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return dataset
    dataset = dcmread(BoundedReader(data), force=True, specific_tags=tags)
    asked = Tag("PixelData") in tags
    if (
        asked
        and "PixelData" not in dataset
        and meta.get("TransferSyntaxUID", UID("")).is_encapsulated
    ):
        # Some devices omit the delimiter at the end of the pixel data.
        dataset = dcmread(BoundedReader(data + _DELIMITER), force=True, specific_tags=tags)
    if not dataset.file_meta.get("TransferSyntaxUID"):
        # pydicom assumes implicit little endian unless the first element looks explicit.
        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian
            if implicit
            else ExplicitVRLittleEndian
            if little
            else ExplicitVRBigEndian
        )
    return dataset


def _check_kind(dataset: Dataset) -> tuple[str, ...]:
    modality, sop_class = read_text(dataset, "Modality"), read_text(dataset, "SOPClassUID")
    if not any(element in dataset for element in _PIXELS):
        raise UnreadableXray(
            "The DICOM holds no image; send the object that has the X-ray itself.", "not_chest"
        )
    if modality in (*_OTHER_MODALITIES, *_NO_XRAY_MODALITIES.split()) or (
        sop_class.startswith(_STORAGE) and sop_class not in SOP_CLASSES
    ):
        other = _OTHER_MODALITIES.get(modality, "another kind of examination")
        raise UnreadableXray(
            f"The DICOM is {other}, not a chest X-ray (CR, DX or secondary capture); send the "
            "X-ray.",
            "not_chest",
        )
    if modality and modality not in _KNOWN_MODALITIES:
        return (
            "The DICOM names a kind of examination that is not known; check that this is a "
            "frontal chest X-ray.",
        )
    return ()


def _check_pixels(dataset: Dataset) -> None:
    if (read_number(dataset, "NumberOfFrames") or 1) > 1:
        raise UnreadableXray(
            "The DICOM holds several frames; send each X-ray as one image.", "several"
        )
    photometric = str(dataset.PhotometricInterpretation).strip().upper()
    if (read_number(dataset, "SamplesPerPixel") or 1) != 1 or not photometric.startswith(
        ("MONOCHROME1", "MONOCHROME2")
    ):
        raise UnreadableXray(
            "The DICOM is in colour; send the X-ray in grey, as it was taken.", "unsupported"
        )
    if "PixelData" not in dataset or dataset.BitsAllocated not in (8, 16):
        raise UnreadableXray(
            "The DICOM does not hold pixels of 8 to 16 bits; export the X-ray with 8 to 16 bits.",
            "unsupported",
        )
    # The decoder needs these, and objects that omit them mean these values.
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric[:11]
    dataset.setdefault("PixelRepresentation", 0)
    dataset.setdefault("BitsStored", dataset.BitsAllocated)
    dataset.setdefault("HighBit", dataset.BitsStored - 1)
