"""The images of one run: training, validation and test, decoded as serving decodes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.reading import dataset as data
from model.reading.xray import XrayImage, model_input, squash


@dataclass(frozen=True)
class Split:
    """Images (N, S, S, 1) uint8 and the N X-rays that they were read from."""

    images: np.ndarray
    xrays: list[data.LabelledXray]

    @property
    def labels(self) -> np.ndarray:
        """(N,) 0 or 1."""
        return np.array([xray.label for xray in self.xrays])

    @property
    def patients(self) -> list[str]:
        """The patient of each."""
        return [xray.patient for xray in self.xrays]


def read_splits(
    folder: Path, validation_share: float, seed: int, side: int
) -> tuple[Split, Split, Split]:
    """Training, validation and test. What cannot be read is listed and left out.

    Training and validation are whole images, to be augmented; test is as serving sees it. Images
    are `side` pixels wide. Raises DataError.
    """
    xrays, tests = (data.list_xrays(folder / name) for name in ("train", "test"))
    data.check_apart(xrays, tests)
    parts = data.split_by_patient(xrays, validation_share, seed)
    sides = {"training": parts[0], "validation": parts[1], "test": tests}
    for one, other in data.check_contents(sides):
        print(f"the same file under two patients: {one.path} and {other.path}")
    for path in (*data.list_strays(folder / "train"), *data.list_strays(folder / "test")):
        print(f"skipped, no file: {path}")

    def load(
        chosen: list[data.LabelledXray], prepare: Callable[[XrayImage, int], np.ndarray]
    ) -> Split:
        images, kept, unreadable = data.load_inputs(chosen, lambda xray: prepare(xray, side))
        for xray in unreadable:
            print(f"skipped, not readable: {xray.path}")
        return Split(images, kept)

    splits = load(parts[0], squash), load(parts[1], squash), load(tests, model_input)
    counts = [len(split.xrays) for split in splits]
    print("{} training, {} validation and {} test X-rays.".format(*counts))
    return splits
