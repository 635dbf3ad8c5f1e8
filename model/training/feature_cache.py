"""What the frozen trunk made of each view, kept on the disk: named by all that it depends on.

A file counts with its digest next to it, and is made again when it was cut or damaged. Both are
written next to their place and renamed, so a kill leaves nothing that counts.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from model.serving.artifact import sha256_of
from model.training.augmentation import RECIPE, Recipe, digest_recipe
from model.training.batches import Source

BATCH = 64
"""Images that the trunk is given at once."""


class CacheError(ValueError):
    """Features cannot be kept; one sentence."""


@dataclass(frozen=True)
class Kept:
    """Everything that kept features depend on, each by its SHA-256; the seed as it is."""

    network: str
    images: str
    labels: str
    recipe: str
    seed: int

    @property
    def key(self) -> str:
        """Of the names of the files."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


def describe(
    trunk: keras.Model, images: np.ndarray, labels: np.ndarray, seed: int, recipe: Recipe = RECIPE
) -> Kept:
    """For features of `trunk` from views of (N, S, S, 1) uint8 images, made by `seed`."""
    return Kept(
        _digest_network(trunk),
        hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest(),
        hashlib.sha256(np.asarray(labels, np.int64).tobytes()).hexdigest(),
        digest_recipe(recipe),
        seed,
    )


def _digest_network(trunk: keras.Model) -> str:
    names = [layer.name for layer in trunk.layers], [tensor.shape for tensor in trunk.outputs]
    digest = hashlib.sha256(repr(names).encode())
    for variable in trunk.variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


def measure(trunk: keras.Model, count: int) -> int:
    """Bytes of one view of `count` images."""
    return 2 * count * _count_values(trunk)


def check_space(folder: Path, size: int) -> None:
    """Raise CacheError unless `size` bytes are free there."""
    if (free := shutil.disk_usage(folder).free) < size:
        raise CacheError(
            f"Kept features need {size / 1e9:.1f} GB in {folder}, where {free / 1e9:.1f} GB are "
            "free; make room, or choose another disk with --cache."
        )


def cache_features(
    trunk: keras.Model, source: Source, count: int, number: int, file: Path, workers: int
) -> np.ndarray:
    """What the trunk makes of view `number` of all `count` images, (count, values) float16.

    All outputs of the trunk side by side in one row for each image; made once, memory-mapped.
    Raises CacheError when they cannot be written.
    """
    shape = count, _count_values(trunk)
    with _alone(file.parent):
        if not is_whole(file, shape):
            try:
                _make(trunk, source, shape, number, file, workers)
            except OSError as error:
                file.with_suffix(".part").unlink(missing_ok=True)
                raise CacheError(
                    f"Features cannot be kept in {file.parent}: {error.strerror}."
                ) from error
    return np.load(file, mmap_mode="r")


def is_whole(file: Path, shape: tuple[int, int]) -> bool:
    """Whether it holds float16 of this shape, and nothing changed since it was written."""
    told = file.with_suffix(".sha256")
    if not (file.is_file() and told.is_file() and told.read_text() == sha256_of(file)):
        return False
    features = np.load(file, mmap_mode="r")
    return features.shape == shape and features.dtype == np.float16


def _make(
    trunk: keras.Model,
    source: Source,
    shape: tuple[int, int],
    number: int,
    file: Path,
    workers: int,
) -> None:
    partial = file.with_suffix(".part")
    features = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
    with partial.open("rb+") as reserved:
        # The disk ends a process by a signal when it is full under a mapped file with holes.
        os.posix_fallocate(reserved.fileno(), 0, partial.stat().st_size)
        run = tf.function(lambda batch: trunk(batch, training=False), reduce_retracing=True)
        bar = keras.utils.Progbar(shape[0], unit_name="image")
        done = 0
        for batch in _ahead(source, shape[0], number, workers):
            outputs = keras.tree.flatten(run(batch))
            rows = [np.reshape(output, (len(batch), -1)) for output in outputs]
            features[done : done + len(batch)] = np.concatenate(rows, axis=1)
            done += len(batch)
            bar.update(done)
        features.flush()
        os.fsync(reserved.fileno())
    del features
    told = file.with_suffix(".sha256")
    told.unlink(missing_ok=True)  # an older one would be of what is replaced now
    digest = sha256_of(partial)
    partial.rename(file)
    scratch = told.with_suffix(".sha256.part")
    scratch.write_text(digest)
    scratch.rename(told)


def _count_values(trunk: keras.Model) -> int:
    """Of one image, in all outputs."""
    return sum(int(np.prod(tensor.shape[1:])) for tensor in trunk.outputs)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Another run with the same cache waits until a view is made, and then finds it."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ahead(source: Source, count: int, number: int, workers: int) -> Iterator[np.ndarray]:
    """Batches of one view of all images, made while the trunk works on those before."""

    def make(start: int) -> np.ndarray:
        rows = np.arange(start, min(start + BATCH, count))
        return source(rows, np.full_like(rows, number))

    starts = range(0, count, BATCH)
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(make, start) for start in starts[:workers]]
        for start in [*starts[workers:], *[None] * len(waiting)]:
            batch = waiting.pop(0).result()
            if start is not None:
                waiting.append(pool.submit(make, start))
            yield batch
