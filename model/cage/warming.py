"""Decode a small synthetic image of every format once, so that nothing is left to import.

A sealed process cannot open files, and libraries import many of their modules on first use.
"""

import codecs
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.charset import python_encoding
from pydicom.dataset import FileMetaDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from model.cage.child import answer
from model.cage.messages import ANSWER, FILM, PREVIEW
from model.reading.limits import MAX_PIXELS

_SIDE = 128
_TIFFS = ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg")


def warm() -> None:
    """Import every decoder. Raises RuntimeError if one does not work."""
    Image.init()
    for name in python_encoding.values():
        codecs.lookup(name)
    for syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, JPEG2000, RLELossless):
        _ = get_decoder(UID(syntax)).available_plugins
    for data in _make_files():
        for letter, body in answer(data, MAX_PIXELS, 224, film=True):
            if letter not in (ANSWER, PREVIEW, FILM):
                raise RuntimeError(f"a synthetic image was refused: {body!r}")


def _make_files() -> Iterator[bytes]:
    grey = Image.radial_gradient("L").resize((_SIDE, _SIDE))
    exif = Image.Exif()
    exif[0x0112] = 6
    yield _save(grey, "JPEG", exif=exif)
    yield _save(grey.resize((1500, 1500)), "JPEG")  # its preview is scaled
    yield _save(grey.convert("CMYK"), "JPEG")
    yield _save(Image.fromarray(np.asarray(grey).astype(np.uint16) * 16), "PNG")
    yield _save(grey.convert("P"), "PNG", transparency=0)
    yield _save(grey.convert("RGBA"), "PNG", exif=exif)
    for compression in _TIFFS:
        yield _save(grey, "TIFF", compression=compression)
    pixels = np.asarray(grey).astype(np.uint16) * 16
    yield _save_dicom(pixels, ExplicitVRLittleEndian)
    for syntax in (RLELossless, UID("1.2.840.10008.1.2.4.90")):
        yield _save_dicom(pixels, syntax)


def _save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _save_dicom(pixels: np.ndarray, syntax: UID) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = "1.2.3"
    dataset.Modality = "DX"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.WindowCenter, dataset.WindowWidth = [2000, 1000], [4000, 2000]
    dataset.add_new("PixelData", "OW", pixels.tobytes())
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if syntax.is_encapsulated:
        dataset.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
