"""DICOM files for tests: pixels in, the bytes of a file out."""

import io
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

PATIENT = "DOE^JANE"

LOSSLESS = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
)
"""Transfer syntaxes that keep every value, and that dcmtk reads, too."""


def build(pixels: np.ndarray, **elements: Any) -> Dataset:
    """A frontal chest X-ray of a named patient with these pixels; `elements` are set last.

    An element that is None is omitted.
    """
    dataset = Dataset()
    dataset.PatientName = dataset.PatientID = dataset.AccessionNumber = PATIENT
    dataset.PatientBirthDate = "19900201"
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid()
    dataset.Modality = "DX"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.add_new("PixelData", "OW" if pixels.dtype.itemsize == 2 else "OB", pixels.tobytes())
    for name, value in elements.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    return dataset


def save(dataset: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """A complete file with preamble and header, compressed if `syntax` requires it."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if syntax.is_encapsulated:
        dataset.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    elif not syntax.is_little_endian:
        words = np.frombuffer(dataset.PixelData, "<u2")
        dataset.PixelData = words.astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    return _write(dataset)


def save_frame(dataset: Dataset, frame: bytes, syntax: UID) -> bytes:
    """A complete file with `frame` as its only, compressed frame."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.add_new("PixelData", "OB", encapsulate([frame]))
    dataset["PixelData"].is_undefined_length = True
    return _write(dataset)


def save_bare(dataset: Dataset, implicit: bool) -> bytes:
    """A bare data set: without preamble and header, and so without transfer syntax."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, implicit_vr=implicit, little_endian=True)
    return buffer.getvalue()


def _write(dataset: Dataset) -> bytes:
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get(
        "SOPClassUID", DigitalXRayImageStorageForPresentation
    )
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
