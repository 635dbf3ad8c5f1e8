"""The images on which the refusal of unsuitable images is fitted and measured."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.reading.dataset import read_images
from model.reading.xray import model_input
from model.serving.density import is_in_fitting_half
from model.training.preflight import check_folder
from model.training.settings import InputError, RunSettings


@dataclass(frozen=True)
class FolderImages:
    """The readable images of a folder, as served: (N, S, S, 1) uint8, and the N file names."""

    images: np.ndarray
    names: list[str]
    unreadable: int

    @property
    def in_fitting_half(self) -> np.ndarray:
        """(N,) bool: whether the fit may use the image. Decided by the patient, who is named by
        the part of the file name before the first `_`."""
        patients = (Path(name).name.partition("_")[0] for name in self.names)
        return np.array([is_in_fitting_half(patient) for patient in patients])


@dataclass(frozen=True)
class RefusalImages:
    """Images of --other-xrays and of --not-xrays; None where the option is not given."""

    other_xrays: FolderImages | None
    not_xrays: FolderImages | None


def read_refusal_images(settings: RunSettings) -> RefusalImages:
    """Read the folders of --other-xrays and --not-xrays. Raises InputError."""
    side = settings.hyperparameters.side
    other = _read_folder("--other-xrays", settings.other_xrays, side)
    if other and len(set(other.in_fitting_half.tolist())) < 2:
        raise InputError(
            f"--other-xrays {settings.other_xrays} needs images of more patients: one half is for "
            "the fit, the other for measuring."
        )
    return RefusalImages(other, _read_folder("--not-xrays", settings.not_xrays, side))


def _read_folder(option: str, folder: Path | None, side: int) -> FolderImages | None:
    if folder is None:
        return None
    check_folder(option, folder)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".csv"]
    found = dict(zip(paths, read_images(paths, lambda xray: model_input(xray, side)), strict=True))
    images = {path: image for path, image in found.items() if not isinstance(image, Exception)}
    if not images:
        raise InputError(f"{option} {folder} holds no image that can be read.")
    names = [path.relative_to(folder).as_posix() for path in images]
    return FolderImages(np.stack(list(images.values())), names, len(found) - len(images))
