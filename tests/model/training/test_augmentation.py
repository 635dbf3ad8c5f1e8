"""`model.training.augmentation`: the views of an X-ray in training and validation."""

import numpy as np
import pytest

from model.training.augmentation import RECIPE, augment, augment_all


@pytest.mark.parametrize("hard", [False, True])
def test_augmentation_is_repeatable_and_never_mirrors(hard: bool) -> None:
    """The same seed gives the same views; what is bright at the left stays at the left."""
    image = np.tile(np.linspace(250, 5, 224).astype(np.uint8), (224, 1))[..., None]
    views = augment_all(np.stack([image] * 20), seed=3, hard=hard)
    assert np.array_equal(views, augment_all(np.stack([image] * 20), seed=3, hard=hard))
    assert len({view.tobytes() for view in views}) == 20
    for view in views:
        assert view[:, :60].mean() > view[:, -60:].mean()


@pytest.mark.parametrize("hard", [False, True])
def test_view_has_the_shape_and_type_of_its_image(hard: bool) -> None:
    """(224, 224, 1) uint8 in, the same out."""
    image = np.random.default_rng(0).integers(0, 255, (224, 224, 1), np.uint8)
    view = augment(image, np.random.default_rng(1), hard)
    assert view.shape == image.shape
    assert view.dtype == np.uint8


def disc_aspect(label: int | None) -> float:
    """Mean log of width to height of a disc in many views of an image that shows it round."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    disc = np.where(x * x + y * y < 0.3, 220, 20).astype(np.uint8)[..., None]
    aspects = []
    for seed in range(200):
        inside = augment(disc, np.random.default_rng(seed), False, label)[..., 0] > 120
        aspects.append(np.log(inside.any(axis=0).sum() / inside.any(axis=1).sum()))
    return float(np.mean(aspects))


def test_mean_aspect_of_the_class_is_undone() -> None:
    """With a label, a view undoes the distortion by squashing; without, it does not."""
    normal, pneumonia, unknown = disc_aspect(0), disc_aspect(1), disc_aspect(None)
    expected = np.log(RECIPE.class_aspects[1] / RECIPE.class_aspects[0])
    assert pneumonia - normal == pytest.approx(expected, rel=0.3)
    assert normal < unknown < pneumonia
