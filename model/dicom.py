"""One DICOM object: bytes -> a checked header, with its pixels still encoded.

Computed and digital radiography and secondary capture of a frontal chest, one grey frame of 8 to 16
bits. Of the whole object only the elements in `_ELEMENTS` are kept, none of which names a person, a
place or a date, and refusals are sentences of our own.
"""

import logging
import re
import struct
import warnings
import zlib

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from model.dicom_bounds import BoundedReader, check_elements
from model.limits import UnreadableXray, check_size

# pydicom tells values of elements, so of patients, in its warnings and in its log. For good and not
# around each call, because `warnings.catch_warnings` is not safe in threads.
warnings.filterwarnings("ignore", module="pydicom")
logging.getLogger("pydicom").propagate = False

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_ELEMENTS = (
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "ViewCodeSequence",
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

_TAGS: list[BaseTag | int] = [Tag(element) for element in (*_ELEMENTS, *_PIXELS)]

_SOP_CLASSES = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)

# RG is a digitised film; a secondary capture often says no more than "other".
_MODALITIES = ("CR", "DX", "RG", "OT", "SC")

# Named in the refusal only if listed here: a broken file may have anything in these elements.
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

# The defined terms of Body Part Examined in PS3.3 for computed radiography, without CHEST.
_OTHER_PARTS = re.compile(
    "SKULL|CSPINE|TSPINE|LSPINE|SSPINE|COCCYX|CLAVICLE|BREAST|ABDOMEN|PELVIS|HIP|SHOULDER|ELBOW|"
    "KNEE|ANKLE|HAND|FOOT|EXTREMITY|HEAD|HEART|NECK|LEG|ARM|JAW"
)

# Lateral, oblique, and lying on one side, as View Position and the meaning of view codes say it.
_NOT_FRONTAL = re.compile(
    r"\b(LL|RL|LAT|LATERAL|LLO|RLO|LAO|RAO|LPO|RPO|OBL|OBLIQUE|LLD|RLD|DECUBITUS)\b"
)

_INFLATED_EXTRA = 16 * 1024 * 1024
"""Bytes that a deflated object may hold besides its pixels: look-up tables, overlays, a report."""

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
"""What pydicom raises on damaged objects; anything else is a bug and is left to be one.
RecursionError: sequences nested without end."""


def read_header(data: bytes, max_pixels: int) -> Dataset:
    """Parse an object and check that it is a frontal chest X-ray; no pixel is decoded yet.

    Missing elements for kind, body part and view are not guessed: then the image is let through.
    `max_pixels` also limits what a deflated object may grow to. Raises UnreadableXray.
    """
    try:
        dataset = _parse(data, 2 * max_pixels + _INFLATED_EXTRA)
        check_elements(dataset)
        _check_kind(dataset)
        _check_pixels(dataset)
        _check_anatomy(dataset)
        check_size(dataset.Columns, dataset.Rows, max_pixels)
    except UnreadableXray:
        raise
    except PARSE_ERRORS:
        # `from None`: the library's own message may hold values of elements.
        raise UnreadableXray(
            "The DICOM file is damaged or incomplete; export it again and send the new file.",
            "unreadable",
        ) from None
    return dataset


def _parse(data: bytes, max_inflated: int) -> Dataset:
    start = 132 if data[128:132] == b"DICM" else 0
    file = BoundedReader(data)
    file.seek(start)
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
        dataset = read_dataset(BoundedReader(inflated), False, True, specific_tags=_TAGS)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return dataset
    dataset = dcmread(BoundedReader(data), force=True, specific_tags=_TAGS)
    if not dataset.file_meta.get("TransferSyntaxUID"):
        # pydicom takes it as implicit little endian unless its first element looks explicit.
        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian
            if implicit
            else ExplicitVRLittleEndian
            if little
            else ExplicitVRBigEndian
        )
    return dataset


def _text(dataset: Dataset, element: str) -> str:
    return str(dataset.get(element) or "").strip().upper()


def _check_kind(dataset: Dataset) -> None:
    modality, sop_class = _text(dataset, "Modality"), dataset.get("SOPClassUID")
    if not any(element in dataset for element in _PIXELS):
        raise UnreadableXray(
            "The DICOM holds no image; send the object that has the X-ray itself.", "not_chest"
        )
    if (modality and modality not in _MODALITIES) or (sop_class and sop_class not in _SOP_CLASSES):
        other = _OTHER_MODALITIES.get(modality, "another kind of examination")
        raise UnreadableXray(
            f"The DICOM is {other}, not a chest X-ray (CR, DX or secondary capture); send the "
            "X-ray.",
            "not_chest",
        )


def _check_pixels(dataset: Dataset) -> None:
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise UnreadableXray(
            "The DICOM holds several frames; send each X-ray as one image.", "several"
        )
    if int(dataset.get("SamplesPerPixel") or 1) != 1 or dataset.PhotometricInterpretation not in (
        "MONOCHROME1",
        "MONOCHROME2",
    ):
        raise UnreadableXray(
            "The DICOM is in colour; send the X-ray in grey, as it was taken.", "unsupported"
        )
    if "PixelData" not in dataset or dataset.BitsAllocated not in (8, 16):
        raise UnreadableXray(
            "The DICOM does not hold pixels of 8 to 16 bits; export the X-ray with 8 to 16 bits.",
            "unsupported",
        )
    # The decoder needs them, and objects that leave them out mean these.
    dataset.SamplesPerPixel = 1
    dataset.setdefault("PixelRepresentation", 0)
    dataset.setdefault("BitsStored", dataset.BitsAllocated)


def _check_anatomy(dataset: Dataset) -> None:
    body = _text(dataset, "BodyPartExamined")
    if body and not re.search("CHEST|THORA|TORAX|LUNG|UNKNOWN", body):
        part = f"the {body.lower()}" if _OTHER_PARTS.fullmatch(body) else "another part of the body"
        raise UnreadableXray(
            f"The DICOM shows {part}, not the chest; send a frontal chest X-ray.", "not_chest"
        )
    codes = dataset.get("ViewCodeSequence")
    view = _text(dataset, "ViewPosition") + " " + (_text(codes[0], "CodeMeaning") if codes else "")
    if _NOT_FRONTAL.search(view.replace("_", " ")):
        raise UnreadableXray(
            "The DICOM is a lateral or oblique view; send the frontal view (PA or AP).",
            "not_frontal",
        )
