"""`model.training.batches`: views, and cached features."""

from pathlib import Path

import keras
import numpy as np

from model.training.batches import Batches, augmented_views, plain_images, stored_features
from model.training.feature_cache import cache_features

LABELS = np.array([0, 1, 1, 0, 1])
IMAGES = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 1), np.uint8)


def make_trunk() -> keras.Model:
    """Two outputs of different shapes."""
    image = keras.Input((32, 32, 1))
    small = keras.layers.AveragePooling2D(8)(image)
    return keras.Model(image, [small, keras.layers.GlobalAveragePooling2D()(image)])


def test_cached_features_are_those_of_the_views(tmp_path: Path) -> None:
    """Both sources use the same views: the cache holds the outputs of the trunk for them."""
    trunk, source = make_trunk(), augmented_views(IMAGES, LABELS.tolist(), seed=3)
    views = [cache_features(trunk, source, 5, k, tmp_path / f"{k}.npy", 2) for k in range(2)]
    assert views[0].dtype == np.float16
    assert isinstance(views[0], np.memmap)
    rest = keras.Model(trunk.outputs, keras.layers.Flatten()(trunk.outputs[0]))
    rows, numbers = np.array([4, 1]), np.array([0, 1])
    got = stored_features(views, rest)(rows, numbers)
    expected = trunk(source(rows, numbers))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3)


def test_epoch_shows_each_image_once_and_the_next_one_its_next_view() -> None:
    """Shuffled by seed and epoch; the number of the view increases and wraps around."""
    seen: list[dict[int, int]] = []

    def note(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        seen[-1] |= dict(zip(rows.tolist(), numbers.tolist(), strict=True))
        return rows

    batches = Batches(note, LABELS, 1, seed=7, views=3)
    for _ in range(4):
        seen.append({})
        for index in range(len(batches)):
            rows, labels, _ = batches[index]
            assert labels[:, 0].tolist() == LABELS[rows].tolist()
        batches.on_epoch_end()
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in seen)
    for row in range(5):
        assert [epoch[row] for epoch in seen] == [(e + row) % 3 for e in range(4)]
    assert len({tuple(epoch) for epoch in seen}) > 1


def test_pair_is_two_following_views_side_by_side() -> None:
    """Batches count views, the next epoch continues with the next views, and shows all images."""
    numbers_of: dict[int, list[int]] = {row: [] for row in range(5)}

    def note(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        assert rows[::2].tolist() == rows[1::2].tolist()
        for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
            numbers_of[row].append(number)
        return rows

    batches = Batches(note, LABELS, 2, seed=7, views=3, pairs=True)
    assert len(batches) == 5
    for _ in range(2):
        for index in range(len(batches)):
            rows, labels, weights = batches[index]
            assert len(rows) == len(labels) == len(weights) == 2
        batches.on_epoch_end()
    for row, numbers in numbers_of.items():
        assert numbers == [(row + k) % 3 for k in range(4)]


def test_machines_share_each_batch() -> None:
    """Two halves are the batch; without a seed the last one is short, and no image is left out."""
    whole = Batches(plain_images(IMAGES), LABELS, 2)
    halves = [Batches(plain_images(IMAGES), LABELS, 2, shard=(k, 2)) for k in range(2)]
    assert len(whole) == 3
    for index in range(2):
        parts = np.concatenate([half[index][1] for half in halves])
        assert sorted(parts[:, 0]) == sorted(whole[index][1][:, 0])


def test_view_is_never_mirrored_and_the_same_for_the_same_number() -> None:
    """What is bright at the left stays at the left, in hard and mild views."""
    ramp = np.tile(np.linspace(250, 5, 64).astype(np.uint8), (64, 1))[None, ..., None]
    source, rows = augmented_views(ramp, [1], seed=1), np.zeros(12, int)
    views = source(rows, np.arange(12))
    np.testing.assert_array_equal(views, source(rows, np.arange(12)))
    assert (views[:, :, :16].mean(axis=(1, 2, 3)) > views[:, :, -16:].mean(axis=(1, 2, 3))).all()
    assert len({view.tobytes() for view in views}) == 12
