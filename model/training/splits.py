"""The images of a training run: training, validation and test, decoded as in serving."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.reading import dataset as data
from model.reading.labels import CLASSES
from model.reading.labels_file import ABSENT, read_labels_file
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
        """The patient of each image; one of another source than KERMANY with the source's name."""
        return [
            xray.patient if xray.source == data.KERMANY else "/".join(xray.person)
            for xray in self.xrays
        ]

    @property
    def squashed(self) -> list[int | None]:
        """The label of each image of KERMANY, whose classes differ in their aspect ratio."""
        return [xray.label if xray.source == data.KERMANY else None for xray in self.xrays]

    @property
    def sources(self) -> np.ndarray:
        """(N,) names of the sources."""
        return np.array([xray.source for xray in self.xrays])


@dataclass(frozen=True)
class Splits:
    """Training and validation images are whole, for augmentation; test images are as served."""

    training: Split
    validation: Split
    test: Split


def read_splits(paths: Sequence[Path], validation_share: float, seed: int, side: int) -> Splits:
    """Read the X-rays of `paths` and split those to train on by patient.

    A path is a folder with train/ and test/, or a CSV file (`model.reading.labels_file`). Images
    are `side` pixels wide and high. Unreadable files are printed and skipped. Raises DataError.
    """
    xrays, tests = list_sources(paths)
    data.check_apart(xrays, tests)
    training, validation = data.split_by_patient(xrays, validation_share, seed)
    parts = {"training": training, "validation": validation, "test": tests}
    for one, other in data.check_contents(parts):
        print(f"the same file under two patients: {one.path} and {other.path}")

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


def list_sources(
    paths: Sequence[Path],
) -> tuple[list[data.LabelledXray], list[data.LabelledXray]]:
    """The X-rays to train on and those to test on, of all `paths`. Raises DataError.

    Prints what is left out. There must be X-rays of both classes to test on.
    """
    if len([path for path in paths if path.is_dir()]) > 1:
        raise data.DataError("--data names two folders; give the others as CSV files of labels.")
    xrays, tests = [], []
    for path in paths:
        if path.is_dir():
            xrays += data.list_xrays(path / "train")
            tests += data.list_xrays(path / "test")
            for stray in (*data.list_strays(path / "train"), *data.list_strays(path / "test")):
                print(f"skipped, not a file: {stray}")
        else:
            labels = read_labels_file(path)
            xrays += labels.train
            tests += labels.test
            for label, count in sorted(labels.left_out.items()):
                why = label if label == ABSENT else f"with the label {label}"
                print(f"{path}: {count} X-rays left out {why}")
    if len({xray.label for xray in tests}) < len(CLASSES):
        raise data.DataError(
            "There is no test: name a folder with test/, or a CSV file with the split test for "
            "X-rays of both classes."
        )
    return xrays, tests


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
