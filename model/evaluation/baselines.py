"""How well the file alone separates the classes, without a look at the image.

At original size the classes of the collection differ in width, height and compression. The 224 px
copies all have the same size and JPEG settings, so a baseline on image size cannot be measured on
the official test; one on the byte count, which depends on sharpness and contrast, can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from model.evaluation.bootstrap import Estimate, draw_patients, estimate
from model.evaluation.scores import area_under_roc
from model.reading import dataset as data

SEED = 0


@dataclass(frozen=True)
class Baseline:
    """A classifier that sees properties of the file only; `name` says which."""

    name: str
    images: int
    patients: int
    auc_roc: Estimate


def measure_baselines(folder: Path, originals: Path, resamples: int) -> dict[str, Baseline]:
    """Logistic regression on the logarithm of file properties.

    `file_bytes`: the file size in bytes, fitted on train and measured on test. `image_size`: width
    x height and width / height of the originals; `bits_per_pixel`: their file size per pixel. The
    originals are few and from the training split, so each patient is predicted from all others.
    """
    train, test = (data.list_xrays(folder / split) for split in ("train", "test"))
    model = _regression().fit(_file_bytes(train), _labels(train))
    found = {
        "file_bytes": _describe(
            "bytes of the 224 px file", test, model.decision_function(_file_bytes(test)), resamples
        )
    }
    if not originals.is_dir():
        return found
    xrays = data.list_xrays(originals)
    sizes = np.array([_read_size(xray.path) for xray in xrays], float)
    area = sizes[:, 0] * sizes[:, 1]
    bits = 8 * np.exp(_file_bytes(xrays)[:, 0]) / area
    for key, name, features in (
        (
            "image_size",
            "width and height of the original",
            np.log(np.column_stack([area, sizes[:, 0] / sizes[:, 1]])),
        ),
        ("bits_per_pixel", "bits per pixel of the original", np.log(bits)[:, None]),
    ):
        predicted = cross_val_predict(
            _regression(),
            features,
            _labels(xrays),
            groups=[xray.patient for xray in xrays],
            cv=LeaveOneGroupOut(),
            method="decision_function",
        )
        found[key] = _describe(name, xrays, predicted, resamples)
    return found


def _regression() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))


def _labels(xrays: Sequence[data.LabelledXray]) -> np.ndarray:
    return np.array([xray.label for xray in xrays])


def _file_bytes(xrays: Sequence[data.LabelledXray]) -> np.ndarray:
    """(N, 1): the logarithm of each file's size in bytes."""
    return np.log([[xray.path.stat().st_size] for xray in xrays])


def _read_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _describe(
    name: str, xrays: Sequence[data.LabelledXray], scores: np.ndarray, resamples: int
) -> Baseline:
    labels, patients = _labels(xrays), [xray.patient for xray in xrays]
    draws = draw_patients(labels, patients, SEED, resamples)
    auc = estimate({"auc_roc": lambda i: area_under_roc(labels[i], scores[i])}, len(labels), draws)
    return Baseline(name, len(xrays), len(set(patients)), **auc)
