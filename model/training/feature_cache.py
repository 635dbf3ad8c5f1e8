"""Cached outputs of the frozen trunk for each view, in files named by all that they depend on.

A file is valid only with its digest next to it, and is made again when it is truncated or damaged.
Both are written under another name and renamed, so a kill leaves no file that looks valid.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from model.serving.artifact import sha256_of
from model.training.augmentation import RECIPE, Recipe, digest_recipe
from model.training.batches import Source
from model.training.settings import InputError
from model.training.trunk import compile_trunk

BATCH = 64
"""Images in one call of the trunk."""


class CacheError(InputError):
    """Features cannot be cached; the message is one sentence."""


@dataclass(frozen=True)
class CacheIdentity:
    """Everything that cached features depend on: SHA-256 digests, precision, and the seed.

    `precision` names the types in which the layers compute.
    """

    network: str
    precision: str
    images: str
    squashed: str
    recipe: str
    seed: int

    @property
    def key(self) -> str:
        """The part of the file names that identifies the features."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


def describe(
    trunk: keras.Model,
    images: np.ndarray,
    squashed: Sequence[int | None],
    seed: int,
    recipe: Recipe = RECIPE,
) -> CacheIdentity:
    """The identity of features of `trunk` for views of (N, S, S, 1) uint8 images by `seed`.

    `squashed` is that of `augmented_views`.
    """
    return CacheIdentity(
        _digest_network(trunk),
        ", ".join(sorted({layer.compute_dtype for layer in trunk.layers})),
        hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest(),
        hashlib.sha256(
            repr([None if x is None else int(x) for x in squashed]).encode()
        ).hexdigest(),
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
    """Bytes that one view of `count` images takes on disk."""
    return 2 * count * _count_values(trunk)


def check_space(folder: Path, size: int) -> None:
    """Raise CacheError unless `size` bytes are free on the disk of `folder`."""
    if (free := shutil.disk_usage(folder).free) < size:
        raise CacheError(
            f"Cached features need {size / 1e9:.1f} GB in {folder}, where {free / 1e9:.1f} GB are "
            "free; make room, or choose another disk with --cache."
        )


def cache_features(
    trunk: keras.Model, source: Source, count: int, number: int, file: Path, workers: int
) -> np.ndarray:
    """The outputs of the trunk for view `number` of all `count` images, (count, values) float16.

    A row holds all outputs for one image, flattened. Computed once, then memory-mapped. Raises
    CacheError when `file` cannot be written.
    """
    shape = count, _count_values(trunk)
    with _lock(file.parent):
        if not is_whole(file, shape):
            try:
                _make(trunk, source, shape, number, file, workers)
            except OSError as error:
                file.with_suffix(".part").unlink(missing_ok=True)
                raise CacheError(
                    f"Features cannot be cached in {file.parent}: {error.strerror}."
                ) from error
    return np.load(file, mmap_mode="r")


def is_whole(file: Path, shape: tuple[int, int]) -> bool:
    """Whether `file` holds float16 of this shape and matches its digest."""
    digest_file = file.with_suffix(".sha256")
    if not (file.is_file() and digest_file.is_file()):
        return False
    if digest_file.read_text() != sha256_of(file):
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
        # Writing to a mapped file with holes on a full disk would kill the process with SIGBUS.
        os.posix_fallocate(reserved.fileno(), 0, partial.stat().st_size)
        run = compile_trunk(trunk)
        bar = keras.utils.Progbar(shape[0], unit_name="image")
        done = 0
        for batch in _prefetch(source, shape[0], number, workers):
            rows = [output.reshape(len(batch), -1) for output in run(batch)]
            features[done : done + len(batch)] = np.concatenate(rows, axis=1)
            done += len(batch)
            bar.update(done)
        features.flush()
        os.fsync(reserved.fileno())
    del features
    digest_file = file.with_suffix(".sha256")
    digest_file.unlink(missing_ok=True)  # the digest of the file that is being replaced
    digest = sha256_of(partial)
    partial.rename(file)
    partial_digest = digest_file.with_suffix(".sha256.part")
    partial_digest.write_text(digest)
    partial_digest.rename(digest_file)


def _count_values(trunk: keras.Model) -> int:
    """The number of values in all outputs for one image."""
    return sum(int(np.prod(tensor.shape[1:])) for tensor in trunk.outputs)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the cache: a second run waits for a view and then finds it complete."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prefetch(source: Source, count: int, number: int, workers: int) -> Iterator[np.ndarray]:
    """Batches of one view of all images, computed ahead in `workers` threads."""

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
