"""Stored values of a DICOM object -> grey levels, by its rescale, look-up tables and windows.

Unusable ones are skipped, with a warning where it matters: a picture is never refused for a number
that only says how to display it.
"""

import numpy as np
from pydicom import Dataset

from model.reading.dicom.anatomy import read_text
from model.reading.dicom.values import read_number, read_numbers, read_pairs
from model.reading.grey import MIN_CONTRAST, look_up, stretch, value_range, window

_UNUSABLE = (
    "A look-up table of the DICOM could not be used, so the picture may be brighter or darker than "
    "in a viewer."
)


def stored_values(used: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The value, as float64, that each code of `used` (256 or 65,536 bool) stands for.

    By Bits Stored, High Bit and Pixel Representation (PS3.5 8.1.1): bits above High Bit are not
    part of the value (old objects keep overlays there), and left-justified values are shifted down.
    Many devices write a wrong High Bit, so it is used only where the codes agree with it.
    """
    codes = np.arange(used.size)
    allocated = used.size.bit_length() - 1
    bits = min(max(int(dataset.BitsStored), 1), allocated)
    shift = min(max(int(dataset.HighBit) + 1 - bits, 0), allocated - bits)
    there = np.flatnonzero(used)
    if shift and there[-1] < 1 << bits and (there & ((1 << shift) - 1)).any():
        shift = 0
    values = (codes >> shift) & ((1 << bits) - 1)
    if dataset.PixelRepresentation == 1:
        values = np.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    return values.astype(np.float64)


def grey_table(
    values: np.ndarray, used: np.ndarray, sample: np.ndarray, dataset: Dataset
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The uint8 grey of each code, by its stored value in `values`, and warnings.

    `used` marks the codes that occur in the picture; `sample` holds the codes of some pixels.
    """
    found: tuple[str, ...] = ()
    scaled = values
    if dataset.get("ModalityLUTSequence"):
        tables = _read_tables(dataset, "ModalityLUTSequence", values[used])
        if tables:
            scaled = look_up(values, *tables[0])
        else:
            found = (_UNUSABLE,)
    if scaled is values:
        slope, intercept = (read_number(dataset, f"Rescale{name}") for name in _RESCALE)
        scaled = values * (slope or 1.0) + (intercept or 0.0)
    if np.ptp(scaled[used]) == 0 or not np.isfinite(scaled).all():
        scaled = values  # unusable: it would make all pixels equal, or infinite
    for grey in _show(scaled, used, dataset):
        if np.ptp(grey[used]) >= MIN_CONTRAST:  # else it misses the values of the picture
            return grey, found
    if (
        dataset.get("VOILUTSequence")
        and not _read_tables(dataset, "VOILUTSequence", scaled[used])
        and not read_numbers(dataset, "WindowWidth")
    ):
        found = (_UNUSABLE,)
    if int(dataset.BitsStored) <= 8 and scaled[used].min() >= 0 and scaled[used].max() <= 255:
        low, high = 0.0, 255.0
    else:
        low, high = value_range(scaled[sample])
    return stretch(scaled.clip(low, high), low, high), found


_RESCALE = ("Slope", "Intercept")


def _show(values: np.ndarray, used: np.ndarray, dataset: Dataset) -> list[np.ndarray]:
    """The greys by each usable VOI look-up table and window, in order of preference."""
    shown = []
    for table, first in _read_tables(dataset, "VOILUTSequence", values[used]):
        # By the range of its entries and not by its stated depth: 12-bit tables often state 16.
        shown.append(stretch(look_up(values, table, first), table.min(), table.max()))
    function = read_text(dataset, "VOILUTFunction") or "LINEAR"
    for centre, width in read_pairs(dataset, "WindowCenter", "WindowWidth"):
        if width > 0:
            shown.append(np.rint(window(values, centre, width, function)).astype(np.uint8))
    return shown


def _read_tables(
    dataset: Dataset, element: str, values: np.ndarray
) -> list[tuple[np.ndarray, int]]:
    """The usable look-up tables of a sequence: entries, and the value that maps to the first."""
    items = dataset.get(element) or ()
    tables = (_read_table(item, dataset, values) for item in items if isinstance(item, Dataset))
    return [table for table in tables if table is not None]


def _read_table(
    item: Dataset, dataset: Dataset, values: np.ndarray
) -> tuple[np.ndarray, int] | None:
    descriptor = read_numbers(item, "LUTDescriptor")
    data = item.get("LUTData")
    if len(descriptor) < 2 or data is None:
        return None
    # Both are 16 bits; whether they are signed depends on the values mapped (PS3.3 C.11.1.1).
    entries, first = int(descriptor[0]) % 65_536 or 65_536, int(descriptor[1])
    if isinstance(data, bytes):
        order = "<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
        wide = len(data) >= 2 * entries
        data = np.frombuffer(data[: len(data) // 2 * 2] if wide else data, f"{order}u{1 + wide}")
    table = np.asarray(data, np.float64).reshape(-1)[:entries]
    if len(table) < 2 or np.ptp(table) == 0:
        return None
    low, high = float(values.min()), float(values.max())

    def overlap(start: int) -> float:
        return min(high, start + entries - 1) - max(low, start)

    first = max((first, first - 65_536, first + 65_536), key=overlap)
    return table, first
