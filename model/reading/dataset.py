"""A folder of labelled X-rays -> patients -> splits.

The folder has `train/{NORMAL,PNEUMONIA}` and `test/{NORMAL,PNEUMONIA}` (Kermany et al. 2018, Cell
172:1122, doi 10.17632/rscbjbr9sj). Every split is by patient, whose id comes from the file name.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.reading.ages import AgeBand
from model.reading.labels import CLASSES
from model.reading.xray import XrayImage, read_xray

KERMANY = "kermany"
"""The source of X-rays in a folder of this layout."""


class DataError(ValueError):
    """The data folder cannot be used for training or testing; the message is one sentence."""


@dataclass(frozen=True)
class LabelledXray:
    """One file, its patient (such as `bacteria-1000`) and its label, 0 or 1.

    `source` names the collection, and `age` is the patient's, where it is known.
    """

    path: Path
    patient: str
    label: int
    source: str = KERMANY
    age: AgeBand | None = None

    @property
    def person(self) -> tuple[str, str]:
        """What identifies the patient: two sources may give two people the same id."""
        return self.source, self.patient


def list_xrays(folder: Path) -> list[LabelledXray]:
    """All X-rays of one split, sorted by name. Raises DataError when a class has none."""
    found = []
    for label, name in enumerate(CLASSES):
        paths = sorted(p for p in (folder / name.upper()).glob("*") if p.is_file())
        if not paths:
            raise DataError(f"No {name} X-rays found in {folder / name.upper()}.")
        found += [LabelledXray(path, read_patient(path.name, label), label) for path in paths]
    return found


def list_strays(folder: Path) -> list[Path]:
    """Entries among the X-rays of one split that are not files: pipes, folders, broken links."""
    found = (path for name in CLASSES for path in (folder / name.upper()).glob("*"))
    return sorted(path for path in found if not path.is_file())


def read_patient(file_name: str, label: int) -> str:
    """The patient's id within a split. Bacteria and virus number their patients separately."""
    if label == 1:
        match = re.match(r"person(\d+)_(bacteria|virus)", file_name)
        return f"{match[2]}-{match[1]}" if match else file_name
    match = re.match(r"((?:NORMAL2-)?IM-\d+)", file_name)
    return match[1] if match else file_name


def split_by_patient(
    xrays: Sequence[LabelledXray], validation_share: float, seed: int
) -> tuple[list[LabelledXray], list[LabelledXray]]:
    """Training and validation lists that share no patient, stratified by source and class.

    `validation_share` is a share of the patients. Raises DataError when no source has two
    patients of a class.
    """
    held_out: set[tuple[str, str]] = set()
    for source in sorted({x.source for x in xrays}):
        # Each source by itself, so that another source does not change the split of this one.
        random = np.random.default_rng(seed)
        for label in range(len(CLASSES)):
            patients = sorted({x.patient for x in xrays if (x.source, x.label) == (source, label)})
            count = min(max(1, round(validation_share * len(patients))), len(patients) - 1)
            chosen = random.permutation(patients)[: max(count, 0)].tolist()
            held_out.update((source, patient) for patient in chosen)
    train = [x for x in xrays if x.person not in held_out]
    validation = [x for x in xrays if x.person in held_out]
    for label, name in enumerate(CLASSES):
        if not all(any(x.label == label for x in part) for part in (train, validation)):
            raise DataError(
                f"No source has {name} X-rays of two patients to train on; at least two are "
                "needed, one of them for validation."
            )
    return train, validation


def check_apart(train: Sequence[LabelledXray], test: Sequence[LabelledXray]) -> None:
    """Raise DataError when a patient is in both, because the test would measure memorisation."""
    both = {_name_patient(x) for x in train} & {_name_patient(x) for x in test}
    if both:
        raise DataError(
            f"{len(both)} patients are in both train and test, such as {min(both)[1]}; each must "
            "be in only one."
        )


def _name_patient(xray: LabelledXray) -> tuple[str, str, int]:
    """The patient. In a folder without names of patients, normal and ill ones may share a name."""
    return (*xray.person, xray.label if xray.source == KERMANY else -1)


def check_contents(
    parts: Mapping[str, Sequence[LabelledXray]],
) -> list[tuple[LabelledXray, LabelledXray]]:
    """Raise DataError when identical files have two labels, or are in two of the named parts.

    Returns the pairs of identical files of two patients in one part, which suggest that a patient
    has two ids. Files that cannot be read are skipped; decoding reports them.
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
            if first.person != xray.person:
                pairs.append((first, xray))
    return pairs


def _place(xray: LabelledXray) -> str:
    return "/".join(xray.path.parts[-3:])


def digest_xrays(xrays: Sequence[LabelledXray]) -> str:
    """SHA-256 over names, labels and contents, which identifies the data of a training run.

    The name of a file of KERMANY says its label and its patient.
    """
    digest = hashlib.sha256()
    for xray in xrays:
        digest.update(os.fsencode(xray.path.name))
        if xray.source != KERMANY:
            digest.update(repr((xray.label, xray.person)).encode())
        digest.update(hashlib.sha256(xray.path.read_bytes()).digest())
    return digest.hexdigest()


def read_images(
    paths: Sequence[Path], prepare: Callable[[XrayImage], np.ndarray]
) -> list[np.ndarray | Exception]:
    """Decode each file as serving does, then `prepare` it: (S, S, 1) uint8.

    Whatever a decoder raises takes the place of that image and affects no other.
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
    """Decode as serving does, then `prepare` each with `squash` or `model_input`.

    Returns (N, S, S, 1) uint8, the N X-rays that were read, and the unreadable ones. Raises
    DataError when no X-ray of a class can be read.
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
