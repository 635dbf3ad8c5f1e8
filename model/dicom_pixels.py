"""The pixels of a checked DICOM object, as a viewer shows them."""

import numpy as np
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.multival import MultiValue
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import DigitalXRayImageStorageForProcessing

from model.dicom import PARSE_ERRORS, read_header
from model.dicom_bounds import check_fragments, check_frame
from model.grey import MIN_CONTRAST, bands, look_up, looks_upright, stretch, window
from model.limits import UnreadableXray, one_if_large


def read_dicom(data: bytes, max_pixels: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """(rows, columns) uint8 grey, 0 black, and warnings for the reader, of a DICOM object.

    The steps of PS3.4 N.2: modality LUT or rescale, the first VOI LUT or window, then MONOCHROME1
    inverted, unless the pixels show that they are not inverted. Without a usable VOI, 8-bit values
    stay as they are and others are stretched over the range in use. Pixel padding becomes black.
    Raises UnreadableXray.
    """
    dataset = read_header(data, max_pixels)
    try:
        with one_if_large(dataset.Columns, dataset.Rows):
            return _render(_decode_pixels(dataset), dataset)
    except UnreadableXray:
        raise
    except NotImplementedError:
        raise UnreadableXray(
            "The DICOM is compressed in a way that is not supported; export it uncompressed.",
            "unsupported",
        ) from None
    except (*PARSE_ERRORS, RuntimeError):
        raise UnreadableXray(
            "The pixels of the DICOM are damaged or incomplete; export it again and send the "
            "new file.",
            "unreadable",
        ) from None


def _decode_pixels(dataset: Dataset) -> np.ndarray:
    """(rows, columns) uint8, int8, uint16 or int16 as stored."""
    shape = (dataset.Rows, dataset.Columns)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        get_decoder(syntax)  # or NotImplementedError
        check_fragments(dataset.PixelData)
        # The codecs believe their own header: one of 65,000 x 65,000 pixels takes 16 GB.
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        check_frame(frame, syntax, shape, dataset.BitsAllocated // 8)
        stored = pixel_array(dataset, decoding_plugin="pylibjpeg")
    else:
        stored = pixel_array(dataset)
    if stored.shape != shape or stored.dtype.itemsize > 2:
        raise ValueError("the decoder's answer is no frame of 8 to 16 bits")
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _render(stored: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Grey and warnings. All steps are done on the 256 or 65,536 possible values, not on pixels."""
    codes = stored.view(f"u{stored.dtype.itemsize}")
    values = np.arange(1 << 8 * codes.itemsize).astype(codes.dtype).view(stored.dtype)
    height, width = stored.shape
    used = np.zeros(values.size, bool)
    for rows in bands(width, height):
        used[codes[rows]] = True
    padding = np.zeros(values.size, bool)
    if (pad := _number(dataset, "PixelPaddingValue")) is not None:
        limit = _number(dataset, "PixelPaddingRangeLimit")
        ends = sorted((pad, pad if limit is None else limit))
        padding = (values >= ends[0]) & (values <= ends[1])
    table = _grey_table(values.astype(np.float64), used & ~padding, dataset)

    found = []
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        step = max(min(height, width) // 256, 1)
        if looks_upright(table[codes[::step, ::step]]):
            found.append(
                "The DICOM says that its greys are inverted, but the pixels show that they are "
                "not; they were left as they are."
            )
        else:
            table = 255 - table
    table[padding] = 0
    if (
        dataset.get("PresentationIntentType") == "FOR PROCESSING"
        or dataset.get("SOPClassUID") == DigitalXRayImageStorageForProcessing
    ):
        found.append("The DICOM holds raw detector data, not the picture that a viewer shows.")
    grey = np.empty(stored.shape, np.uint8)
    for rows in bands(width, height):
        grey[rows] = table[codes[rows]]
    return grey, tuple(found)


def _grey_table(values: np.ndarray, used: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The uint8 grey of each of `values`; `used` marks those that the picture has."""
    if tables := dataset.get("ModalityLUTSequence"):
        values = look_up(values, *_lut(tables[0], dataset))
    else:
        slope, intercept = _number(dataset, "RescaleSlope"), _number(dataset, "RescaleIntercept")
        values = values * (1.0 if slope is None else slope) + (intercept or 0.0)
    shown = []
    if tables := dataset.get("VOILUTSequence"):
        table, first = _lut(tables[0], dataset)
        # Over the entries, not over the bits that it claims: 12-bit tables often claim 16.
        shown.append(stretch(look_up(values, table, first), table.min(), table.max()))
    centre, width = _number(dataset, "WindowCenter"), _number(dataset, "WindowWidth")
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    if centre is not None and width is not None and width > 0:
        shown.append(np.rint(window(values, centre, width, function)).astype(np.uint8))
    for grey in shown:
        if np.ptp(grey[used]) >= MIN_CONTRAST:  # else it misses the values that are there
            return grey
    low, high = float(values[used].min()), float(values[used].max())
    if dataset.BitsAllocated == 8 and low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    return stretch(values.clip(low, high), low, high)


def _lut(item: Dataset, dataset: Dataset) -> tuple[np.ndarray, int]:
    """The entries of a look-up table, and the value that the first stands for."""
    entries, first, _ = item.LUTDescriptor
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
        wide = len(data) >= 2 * (entries or 65_536)
        data = np.frombuffer(data, f"{order}u2" if wide else "u1")
    return np.asarray(data, np.float64).reshape(-1)[: entries or 65_536], int(first)


def _number(dataset: Dataset, element: str) -> float | None:
    """The first value of an element, if it has one."""
    value = dataset.get(element)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return None if value is None or value == "" else float(value)
