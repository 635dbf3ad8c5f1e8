"""A folder of labelled X-rays -> patients -> splits.

The folder has `train/{NORMAL,PNEUMONIA}` and `test/{NORMAL,PNEUMONIA}` (Kermany et al. 2018, Cell
172:1122, doi 10.17632/rscbjbr9sj). The unit of every split is the patient, read from the file name.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.reading.labels import CLASSES
from model.reading.xray import XrayImage, read_xray


class DataError(ValueError):
    """The data folder cannot be trained or tested on; the message is one sentence."""


@dataclass(frozen=True)
class LabelledXray:
    """One file, its patient within its split (such as `bacteria-1000`) and its label, 0 or 1."""

    path: Path
    patient: str
    label: int


def list_xrays(folder: Path) -> list[LabelledXray]:
    """All X-rays of one split, in name order. Raises DataError when a class has none."""
    found = []
    for label, name in enumerate(CLASSES):
        paths = sorted(p for p in (folder / name.upper()).glob("*") if p.is_file())
        if not paths:
            raise DataError(f"No {name} X-rays found in {folder / name.upper()}.")
        found += [LabelledXray(path, read_patient(path.name, label), label) for path in paths]
    return found


def list_strays(folder: Path) -> list[Path]:
    """What lies among the X-rays of one split and is no file: pipes, folders, links to nowhere."""
    found = (path for name in CLASSES for path in (folder / name.upper()).glob("*"))
    return sorted(path for path in found if not path.is_file())


def read_patient(file_name: str, label: int) -> str:
    """The patient's id within a split. Pneumonia numbers restart for bacteria and virus."""
    if label == 1:
        match = re.match(r"person(\d+)_(bacteria|virus)", file_name)
        return f"{match[2]}-{match[1]}" if match else file_name
    match = re.match(r"((?:NORMAL2-)?IM-\d+)", file_name)
    return match[1] if match else file_name


def split_by_patient(
    xrays: Sequence[LabelledXray], validation_share: float, seed: int
) -> tuple[list[LabelledXray], list[LabelledXray]]:
    """Training and validation lists that share no patient; about the same share of each class.

    Raises DataError when a class has a single patient.
    """
    random = np.random.default_rng(seed)
    held_out: set[str] = set()
    for label in range(len(CLASSES)):
        patients = sorted({x.patient for x in xrays if x.label == label})
        if len(patients) < 2:
            raise DataError(
                f"All {CLASSES[label]} X-rays to train on are of one patient; two are needed, one "
                "of them for validation."
            )
        count = min(max(1, round(validation_share * len(patients))), len(patients) - 1)
        held_out.update(random.permutation(patients)[:count].tolist())
    train = [x for x in xrays if x.patient not in held_out]
    validation = [x for x in xrays if x.patient in held_out]
    return train, validation


def check_apart(train: Sequence[LabelledXray], test: Sequence[LabelledXray]) -> None:
    """Raise DataError when a patient is in both: the test would measure memory."""
    both = {(x.label, x.patient) for x in train} & {(x.label, x.patient) for x in test}
    if both:
        raise DataError(
            f"{len(both)} patients are in both train and test, such as {min(both)[1]}; each must "
            "be in one alone."
        )


def check_contents(
    parts: Mapping[str, Sequence[LabelledXray]],
) -> list[tuple[LabelledXray, LabelledXray]]:
    """Raise DataError when equal bytes have two labels, or are in two of the named parts.

    Returns the pairs of equal bytes under two patients of one part, which say that a patient is
    there twice. Files that cannot be read are left to who decodes them.
    """
    seen: dict[bytes, tuple[str, LabelledXray]] = {}
    pairs = []
    for part, xrays in parts.items():
        for xray in xrays:
            try:
                digest = hashlib.sha256(xray.path.read_bytes()).digest()
            except OSError:
                continue
            first_part, first = seen.setdefault(digest, (part, xray))
            both = f"{_place(first)} and {_place(xray)} are the same file"
            if first.label != xray.label:
                raise DataError(f"{both} with two labels; remove the one whose label is wrong.")
            if first_part != part:
                raise DataError(f"{both}, in {first_part} and in {part}; remove one of them.")
            if first.patient != xray.patient:
                pairs.append((first, xray))
    return pairs


def _place(xray: LabelledXray) -> str:
    return "/".join(xray.path.parts[-3:])


def digest_xrays(xrays: Sequence[LabelledXray]) -> str:
    """SHA-256 over names and contents: tells which data a run has seen."""
    digest = hashlib.sha256()
    for xray in xrays:
        digest.update(os.fsencode(xray.path.name))
        digest.update(hashlib.sha256(xray.path.read_bytes()).digest())
    return digest.hexdigest()


def read_images(
    paths: Sequence[Path], prepare: Callable[[XrayImage], np.ndarray]
) -> list[np.ndarray | Exception]:
    """Decode each file as serving does, then `prepare` it: (S, S, 1) uint8, or what was raised.

    Whatever a decoder raises costs its own file: it stands in the place of the image.
    """

    def read(path: Path) -> np.ndarray:
        return prepare(read_xray(path.read_bytes())).round().astype(np.uint8)

    found: list[np.ndarray | Exception] = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for future in [pool.submit(read, path) for path in paths]:
            error = future.exception()
            found.append(error if isinstance(error, Exception) else future.result())
    return found


def load_inputs(
    xrays: Sequence[LabelledXray], prepare: Callable[[XrayImage], np.ndarray]
) -> tuple[np.ndarray, list[LabelledXray], list[LabelledXray]]:
    """Decode as serving does, then `prepare` each (`squash` or `model_input`).

    Returns (N, S, S, 1) uint8, the N X-rays read, and those that are unreadable. Raises DataError
    when a class has none that can be read.
    """
    images, kept, unreadable = [], [], []
    found = read_images([xray.path for xray in xrays], prepare)
    for xray, image in zip(xrays, found, strict=True):
        if isinstance(image, Exception):
            unreadable.append(xray)
        else:
            images.append(image)
            kept.append(xray)
    for label, name in enumerate(CLASSES):
        if all(xray.label != label for xray in kept):
            raise DataError(f"None of the {name} X-rays could be read.")
    return np.stack(images), kept, unreadable
