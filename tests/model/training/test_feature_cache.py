"""`model.training.feature_cache`: cached features are complete and of this run, or made again."""

import resource
import sys
import types
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from model.training import augmentation
from model.training.augmentation import RECIPE, Recipe, augment, digest_recipe
from model.training.batches import Source, plain_images
from model.training.feature_cache import (
    CacheError,
    CacheIdentity,
    cache_features,
    check_space,
    describe,
)

SQUASHED = [0, 1, 1, 0, 1]
IMAGES = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 1), np.uint8)


def make_trunk(cells: int = 8, policy: str = "float32") -> keras.Model:
    """Two outputs of different shapes."""
    image = keras.Input((32, 32, 1))
    small = keras.layers.AveragePooling2D(cells, dtype=policy)(image)
    return keras.Model(image, [small, keras.layers.GlobalAveragePooling2D(dtype=policy)(image)])


OTHER: dict[str, Any] = {
    "markers": ("R", "L"),
    "class_aspects": (1.27, 1.5),
    "zoom": (0.7, 1.0),
    "aspect_jitter": 0.2,
    "turn": 12.0,
    "hard_views": (False, True),
    "validation_views": (True, True),
    "validation_seed": 7,
}


@pytest.mark.parametrize("field", [field.name for field in fields(Recipe)])
def test_every_field_of_the_recipe_changes_the_key(field: str) -> None:
    """And every field that is a parameter of views changes some view."""
    other = replace(RECIPE, **{field: OTHER[field]})
    assert digest_recipe(other) != digest_recipe(RECIPE)
    if field in ("hard_views", "validation_views", "validation_seed"):
        return  # these only select views
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 1), np.uint8)
    differ = [
        not np.array_equal(
            *(
                augment(image, np.random.default_rng(seed), True, 1, recipe)
                for recipe in (RECIPE, other)
            )
        )
        for seed in range(20)
    ]
    assert any(differ)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("def _window", "# A comment.\ndef _window", True),
        ('"""A percentile window', '"""Another text', True),
        ("random.uniform(97, 100)", "random.uniform(96, 100)", False),
        ("scan = np.where(inside, scan, shade)", "scan = np.where(inside, shade, scan)", False),
    ],
)
def test_key_knows_what_the_code_does_and_not_how_it_reads(old: str, new: str, same: bool) -> None:
    """A comment does not change the key; a constant inside a function does."""
    source = Path(augmentation.__file__).read_text()
    assert source.count(old) == 1
    changed = types.ModuleType("changed")
    sys.modules["changed"] = changed  # dataclasses look their module up
    try:
        exec(source.replace(old, new), changed.__dict__)  # noqa: S102 - the project's own code
        digest = changed.digest_recipe(changed.RECIPE)
    finally:
        del sys.modules["changed"]
    assert (digest == digest_recipe(RECIPE)) == same


def test_key_changes_with_image_label_order_seed_and_network() -> None:
    """And is equal for equal inputs."""
    keras.backend.clear_session()  # layers are numbered through the process
    first = describe(make_trunk(), IMAGES, SQUASHED, 3)
    keras.backend.clear_session()
    trunk = make_trunk()
    assert first == describe(trunk, IMAGES.copy(), [*SQUASHED], 3)
    image = IMAGES.copy()
    image[2, 5, 5] ^= 1
    others = [
        describe(trunk, image, SQUASHED, 3),
        describe(trunk, IMAGES, [0, 1, 1, 1, 1], 3),
        describe(trunk, IMAGES, [0, 1, 1, None, 1], 3),
        describe(trunk, IMAGES[::-1], SQUASHED[::-1], 3),
        describe(trunk, IMAGES, SQUASHED, 4),
        describe(make_trunk(16), IMAGES, SQUASHED, 3),
    ]
    others += [replace(first, **{field.name: "other"}) for field in fields(CacheIdentity)]
    assert len({kept.key for kept in (first, *others)}) == 1 + len(others)


def test_features_of_another_precision_are_not_reused() -> None:
    """The same layers and weights in float32, float16 and bfloat16 are three caches."""
    keys = set()
    for policy in ("float32", "mixed_float16", "mixed_bfloat16"):
        keras.backend.clear_session()
        keys.add(describe(make_trunk(policy=policy), IMAGES, SQUASHED, 3).key)
    assert len(keys) == 3


def count_views(calls: list[int]) -> Source:
    """The plain images; appends the size of each batch to `calls`."""
    images = plain_images(IMAGES)

    def read(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        calls.append(len(rows))
        return images(rows, numbers)

    return read


@pytest.mark.parametrize("damage", ["cut", "bit", "no digest", "left over", "other shape"])
def test_damaged_file_is_made_again(tmp_path: Path, damage: str) -> None:
    """A truncated file, a flipped bit, a missing digest, a partial file of a killed run."""
    trunk, file, calls = make_trunk(), tmp_path / "view.npy", list[int]()
    expected = np.array(cache_features(trunk, count_views(calls), 5, 0, file, 2))
    assert len(calls) == 1
    np.testing.assert_array_equal(
        cache_features(trunk, count_views(calls), 5, 0, file, 2), expected
    )
    assert len(calls) == 1
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-10])
    elif damage == "bit":
        data = bytearray(file.read_bytes())
        data[-10] ^= 1
        file.write_bytes(data)
    elif damage == "no digest":
        file.with_suffix(".sha256").unlink()
    elif damage == "left over":
        file.rename(file.with_suffix(".part"))
    else:
        trunk = make_trunk(16)
        expected = np.array(cache_features(trunk, plain_images(IMAGES), 5, 0, tmp_path / "x", 2))
    again = cache_features(trunk, count_views(calls), 5, 0, file, 2)
    assert len(calls) == 2
    np.testing.assert_array_equal(again, expected)
    assert not list(tmp_path.glob("*.part"))


def test_full_disk_is_reported_before_the_work(tmp_path: Path) -> None:
    """The message has the size and the folder; writing on would kill the process."""
    with pytest.raises(CacheError, match=r"need 900000000\.0 GB in .* GB are free"):
        check_space(tmp_path, 9 * 10**17)


def test_space_of_a_file_is_allocated_first(tmp_path: Path) -> None:
    """A limit on the file size, in place of a full disk, raises an error and leaves no valid
    file; a mapped file with holes would kill the process."""
    file, images = tmp_path / "view.npy", plain_images(np.zeros((900, 32, 32, 1), np.uint8))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(CacheError, match=r"cannot be cached in .*: File too large\."):
            cache_features(make_trunk(), images, 900, 0, file, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not file.exists()
