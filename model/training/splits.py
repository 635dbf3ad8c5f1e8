"""The images of a training run: training, validation and test, decoded as in serving."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.reading import dataset as data
from model.reading.xray import XrayImage, model_input, squash
from model.training.augmentation import RECIPE, augment_all


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
        """The patient of each image."""
        return [xray.patient for xray in self.xrays]


@dataclass(frozen=True)
class Splits:
    """Training and validation images are whole, for augmentation; test images are as served."""

    training: Split
    validation: Split
    test: Split


def read_splits(folder: Path, validation_share: float, seed: int, side: int) -> Splits:
    """Read `folder`/train and `folder`/test, splitting the former by patient.

    Images are `side` pixels wide and high. Unreadable files are printed and skipped. Raises
    DataError.
    """
    xrays, tests = (data.list_xrays(folder / name) for name in ("train", "test"))
    data.check_apart(xrays, tests)
    training, validation = data.split_by_patient(xrays, validation_share, seed)
    parts = {"training": training, "validation": validation, "test": tests}
    for one, other in data.check_contents(parts):
        print(f"the same file under two patients: {one.path} and {other.path}")
    for path in (*data.list_strays(folder / "train"), *data.list_strays(folder / "test")):
        print(f"skipped, not a file: {path}")

    def load(
        chosen: list[data.LabelledXray], prepare: Callable[[XrayImage, int], np.ndarray]
    ) -> Split:
        images, kept, unreadable = data.load_inputs(chosen, lambda xray: prepare(xray, side))
        for xray in unreadable:
            print(f"skipped, not readable: {xray.path}")
        return Split(images, kept)

    splits = Splits(load(training, squash), load(validation, squash), load(tests, model_input))
    print(
        f"{len(splits.training.xrays)} training, {len(splits.validation.xrays)} validation and "
        f"{len(splits.test.xrays)} test X-rays."
    )
    return splits


def as_served(images: np.ndarray) -> np.ndarray:
    """Whole images (N, S, S, 1) uint8 as `model_input` prepares them for the network."""
    side = images.shape[1]
    return np.stack(
        [model_input(XrayImage(image[..., 0], side, side, ()), side) for image in images]
    )


def augment_validation(validation: Split) -> Split:
    """The views of the validation images that choose the best epoch, the same in every run."""
    views = [
        augment_all(validation.images, RECIPE.validation_seed + k, hard)
        for k, hard in enumerate(RECIPE.validation_views)
    ]
    return Split(np.concatenate(views), validation.xrays * len(views))
