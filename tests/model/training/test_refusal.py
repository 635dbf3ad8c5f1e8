"""`model.training.refusal` and `refusal_images`: who is refused, and by which images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.serving.density import is_in_fitting_half
from model.training.command_line import parse_settings
from model.training.refusal import count_refused, fit_limits
from model.training.refusal_images import read_refusal_images

PATIENTS = [str(number) for number in range(8)]


def make_features(shift: float, count: int, seed: int) -> np.ndarray:
    """Features (N, 40) around `shift`."""
    return np.random.default_rng(seed).normal(shift, 1, (count, 40)).astype(np.float32)


def test_limits_hold_on_validation_and_refuse_what_is_far() -> None:
    """At most the given shares of validation X-rays are refused and doubted; others all are."""
    density, limits = fit_limits(
        make_features(0, 400, 1), make_features(0, 400, 2), make_features(0.1, 400, 3), None
    )
    validated = count_refused(density, limits, make_features(0, 400, 2))
    assert validated.images == 400
    assert validated.refused <= 0.005 * 400 and validated.doubted <= 0.02 * 400
    assert limits.warning <= limits.limit
    far = count_refused(density, limits, make_features(9, 50, 4), unreadable=2)
    assert (far.images, far.refused, far.share, far.doubted) == (52, 52, 1.0, 0)


def test_fitted_images_of_another_origin_are_refused_less() -> None:
    """With its features in the fit, another scanner is not a reason to refuse."""
    parts = make_features(0, 400, 1), make_features(0, 400, 2), make_features(0.1, 400, 3)
    other = make_features(2, 100, 5)
    alone, together = (
        count_refused(*fit_limits(*parts, given), make_features(2, 100, 6))
        for given in (None, other)
    )
    assert together.refused < alone.refused == 100


def test_images_of_a_folder_are_split_by_patient(tmp_path: Path) -> None:
    """Readable images with their names; the patient decides the half; tables are left out."""
    folder = tmp_path / "other"
    folder.mkdir()
    for patient in PATIENTS:
        for number in (1, 2):
            Image.radial_gradient("L").save(folder / f"{patient}_{number}.png")
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "labels.csv").write_text("file")
    words = f"--data d --out o --side 64 --other-xrays {folder}"
    images = read_refusal_images(parse_settings(words.split()))
    assert images.not_xrays is None
    assert images.other_xrays is not None
    found = images.other_xrays
    assert found.images.shape == (16, 64, 64, 1)
    assert found.unreadable == 1
    assert found.names == sorted(f"{patient}_{n}.png" for patient in PATIENTS for n in (1, 2))
    expected = [is_in_fitting_half(name[0]) for name in found.names]
    assert found.in_fitting_half.tolist() == expected


def test_density_counts_shares_of_all_files() -> None:
    """The share is of readable and unreadable files together."""
    parts = make_features(0, 400, 1), make_features(0, 400, 2), make_features(0.1, 400, 3)
    counts = count_refused(*fit_limits(*parts, None), make_features(0, 3, 7), unreadable=1)
    assert counts.images == 4
    assert counts.share == pytest.approx(counts.refused / 4)
