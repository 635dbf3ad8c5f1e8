"""A folder of labelled X-rays -> patients -> splits, and the augmentation that training sees.

The folder has `train/{NORMAL,PNEUMONIA}` and `test/{NORMAL,PNEUMONIA}` (Kermany et al. 2018, Cell
172:1122, doi 10.17632/rscbjbr9sj). The unit of every split is the patient, read from the file name.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from model.xray import UnreadableXray, Xray, read_xray

CLASSES = ("normal", "pneumonia")
MARKERS = ("R", "R", "R", "L", "L", "A-P", "AP", "PA", "P-A", "SUPINE", "ERECT", "PORTABLE")


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


def digest_xrays(xrays: Sequence[LabelledXray]) -> str:
    """SHA-256 over names and contents: tells which data a run has seen."""
    digest = hashlib.sha256()
    for xray in xrays:
        digest.update(xray.path.name.encode())
        digest.update(hashlib.sha256(xray.path.read_bytes()).digest())
    return digest.hexdigest()


def load_inputs(
    xrays: Sequence[LabelledXray], prepare: Callable[[Xray], np.ndarray]
) -> tuple[np.ndarray, list[LabelledXray], list[LabelledXray]]:
    """Decode as serving does, then `prepare` each (`squash` or `model_input`).

    Returns (N, S, S, 1) uint8, the N X-rays read, and those that are unreadable. Raises DataError
    when a class has none that can be read.
    """
    images, kept, unreadable = [], [], []
    for xray in xrays:
        try:
            image = prepare(read_xray(xray.path.read_bytes()))
        except (UnreadableXray, OSError):
            unreadable.append(xray)
            continue
        images.append(image.round().astype(np.uint8))
        kept.append(xray)
    for label, name in enumerate(CLASSES):
        if all(xray.label != label for xray in kept):
            raise DataError(f"None of the {name} X-rays could be read.")
    return np.stack(images), kept, unreadable


def augment(image: np.ndarray, random: np.random.Generator, hard: bool) -> np.ndarray:
    """One random view of a square (S, S, 1) uint8 image, as another scanner might have made it.

    Independent crops of 70 to 100 % in x and in y, so that the squash to a square tells nothing;
    rotation to 10 degrees; blur; a random percentile window (0-3 and 97-100), gamma e^(-0.5..0.5);
    noise. A `hard` view is at times equalised, hides a rectangle, so that no single spot decides,
    and has letters at the edge and shutters over it, because markers, arms and collimation of this
    collection differ between the classes. No flips: the heart is on the left.
    """
    side = image.shape[0]
    scale_x, scale_y = random.uniform(0.7, 1.0, 2)
    centre_x = side / 2 + random.uniform(-0.5, 0.5) * (1 - scale_x) * side
    centre_y = side / 2 + random.uniform(-0.5, 0.5) * (1 - scale_y) * side
    angle = np.deg2rad(random.uniform(-10, 10))
    cos, sin = np.cos(angle), np.sin(angle)
    # Output pixel -> input pixel: rotate about the centre, then scale each axis into the crop.
    a, b = scale_x * cos, -scale_x * sin
    d, e = scale_y * sin, scale_y * cos
    matrix = (a, b, centre_x - (a + b) * side / 2, d, e, centre_y - (d + e) * side / 2)
    view = Image.fromarray(image[..., 0]).transform(
        (side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    for _ in range(random.choice(3, p=(0.4, 0.4, 0.2)) if hard else 0):
        stamp_marker(view, random)
    if random.random() < 0.5:
        view = view.filter(ImageFilter.GaussianBlur(random.uniform(0.2, 1.5)))
    if hard and random.random() < 0.25:
        view = Image.blend(view, ImageOps.equalize(view), random.uniform(0.3, 1.0))
    values = np.asarray(view, np.float32)
    low, high = np.percentile(values, (random.uniform(0, 3), random.uniform(97, 100)))
    values = np.clip((values - low) / max(high - low, 1), 0, 1) ** np.exp(random.uniform(-0.5, 0.5))
    values = values * 255 + random.normal(0, random.uniform(0, 8), values.shape)
    if hard and random.random() < 0.4:
        height, width = random.integers(side // 10, side // 3, 2)
        top, left = random.integers(0, side - height), random.integers(0, side - width)
        values[top : top + height, left : left + width] = random.uniform(0, 255)
    if hard and random.random() < 0.8:
        # Collimator shutters: black on most detectors, some grey on others.
        shade = 0.0 if random.random() < 0.6 else random.uniform(0, 255)
        top, bottom, left, right = random.integers(0, side // 5, 4)
        inside = np.zeros_like(values, bool)
        inside[top : side - bottom, left : side - right] = True
        values = np.where(inside, values, shade)
    return np.clip(values.round(), 0, 255).astype(np.uint8)[..., None]


def stamp_marker(view: Image.Image, random: np.random.Generator) -> None:
    """Write a lead letter near an edge of `view`, as a technician lays one on the cassette."""
    letters = random.choice(MARKERS)
    font = ImageFont.load_default(size=float(random.uniform(9, 34)))
    along, across = random.uniform(0, view.width), random.uniform(0, 0.2 * view.width)
    if random.random() < 0.5:
        across = view.width - across
    at = (along, across) if random.random() < 0.5 else (across, along)
    grey = int(random.integers(150, 256))
    ImageDraw.Draw(view).text(at, letters, fill=grey, font=font, anchor="mm")


def augment_all(images: np.ndarray, seed: int, hard: bool) -> np.ndarray:
    """One augmented view of each of (N, S, S, 1) uint8 images, the same for the same seed."""
    random = np.random.default_rng(seed)
    return np.stack([augment(image, random, hard) for image in images])
