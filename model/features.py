"""What training reads: augmented views of each X-ray, or what the frozen trunk made of them.

Both are a `Source`: numbers of images and of their views in, inputs of a network out. A view is the
same for the same seed, image and number, whether it is made in the moment or was kept.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from model.augmentation import augment

Source = Callable[[np.ndarray, np.ndarray], Any]
"""Rows (B,) and the number of each one's view (B,) -> the inputs of a network for this batch."""

HARD_VIEWS = (False, False, True)
"""Every third view is a hard one: with two of three the network was worse on X-rays as they come,
with none it was lost where letters and shutters lie (EXPERIMENTS.md)."""

CACHE_BATCH = 64


class Batches(keras.utils.PyDataset):
    """Batches (inputs, labels (B, 1), weights (B,)) of a source, made ahead by `workers` threads.

    Shuffled by `seed` and short of the last incomplete batch; without `seed` in order and complete.
    An epoch shows one view of each image, or with `pairs` two that follow each other, the next
    epoch the next ones, out of `views` or out of infinitely many. `batch` counts views.
    `class_weights` are those of normal and pneumonia. Of every batch, machine `shard[0]` of
    `shard[1]` gets its part.
    """

    def __init__(
        self,
        source: Source,
        labels: np.ndarray,
        batch: int,
        *,
        seed: int | None = None,
        views: int | None = None,
        pairs: bool = False,
        class_weights: tuple[float, float] = (1.0, 1.0),
        workers: int = 1,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__(workers=workers, max_queue_size=4 * workers)
        self._source, self._views, self._shard = source, views, shard
        self._labels = np.asarray(labels, np.float32)[:, None]
        self._weights = np.asarray(class_weights, np.float32)[np.asarray(labels, int)]
        self._each = 2 if pairs else 1
        self._batch = min(max(batch // self._each, 1), len(labels))
        self._seed = seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle anew, and show the views of this epoch."""
        self._epoch = epoch
        if self._seed is None:
            self._order = np.arange(len(self._labels))
        else:
            # Of the epoch alone, so that a resumed run sees what an undisturbed one would have.
            self._order = np.random.default_rng((self._seed, epoch)).permutation(len(self._labels))

    def __len__(self) -> int:
        complete, left = divmod(len(self._order), self._batch)
        return complete + bool(left and self._seed is None)

    def __getitem__(self, index: int) -> tuple[Any, np.ndarray, np.ndarray]:
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        part, parts = self._shard
        rows = np.repeat(rows[part::parts], self._each)
        numbers = np.zeros_like(rows)
        if self._seed is not None:
            numbers = self._epoch * self._each + rows + np.arange(len(rows)) % self._each
        if self._views is not None:
            numbers = numbers % self._views
        return self._source(rows, numbers), self._labels[rows], self._weights[rows]

    def on_epoch_end(self) -> None:
        """The next epoch; Keras calls this."""
        self.start_epoch(self._epoch + 1)


def augmented_views(images: np.ndarray, labels: np.ndarray, seed: int) -> Source:
    """Views (B, S, S, 1) float32, made in the moment, of (N, S, S, 1) uint8 images.

    By `labels` (N,), 0 or 1, each class's mean aspect ratio is undone; see `augment`.
    """

    def read(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        views = [
            augment(
                images[row],
                np.random.default_rng((seed, number, row)),
                HARD_VIEWS[number % len(HARD_VIEWS)],
                labels[row],
            )
            for row, number in zip(rows, numbers, strict=True)
        ]
        return np.stack(views).astype(np.float32)

    return read


def plain_images(images: np.ndarray) -> Source:
    """The images as they are, (B, S, S, 1) float32, whatever the number of the view."""
    return lambda rows, _: images[rows].astype(np.float32)


def stored_features(views: Sequence[np.ndarray], rest: keras.Model) -> Source:
    """Inputs of `rest` from what `cache_features` kept, one array for each number of a view."""
    shapes = [tensor.shape[1:] for tensor in rest.inputs]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def read(rows: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, ...]:
        flat = np.stack(
            [views[number][row] for row, number in zip(rows, numbers, strict=True)]
        ).astype(np.float32)
        parts = np.split(flat, ends[:-1], axis=1)
        return tuple(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True))

    return read


def cache_key(trunk: keras.Model, images: np.ndarray, *more: object) -> str:
    """Names a cache: features of other images, by another trunk or augmentation are others."""
    parts = hashlib.sha256(images.tobytes()).hexdigest()[:8], _digest_network(trunk)[:8]
    return "-".join([*parts, *map(str, more)])


def _digest_network(trunk: keras.Model) -> str:
    names = [layer.name for layer in trunk.layers], [tensor.shape for tensor in trunk.outputs]
    digest = hashlib.sha256(repr(names).encode())
    for variable in trunk.variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


def cache_features(
    trunk: keras.Model, source: Source, count: int, number: int, file: Path, workers: int
) -> np.ndarray:
    """What the trunk makes of view `number` of all `count` images, (count, values) float16.

    All outputs of the trunk side by side in one row for each image; made once, memory-mapped.
    """
    if not file.exists():
        partial = file.with_suffix(".part")
        width = sum(int(np.prod(tensor.shape[1:])) for tensor in trunk.outputs)
        features = np.lib.format.open_memmap(partial, "w+", np.float16, (count, width))
        run = tf.function(lambda batch: trunk(batch, training=False), reduce_retracing=True)
        bar = keras.utils.Progbar(count, unit_name="image")
        done = 0
        for batch in _ahead(source, count, number, workers):
            outputs = keras.tree.flatten(run(batch))
            rows = [np.reshape(output, (len(batch), -1)) for output in outputs]
            features[done : done + len(batch)] = np.concatenate(rows, axis=1)
            done += len(batch)
            bar.update(done)
        features.flush()
        partial.rename(file)
    return np.load(file, mmap_mode="r")


def _ahead(source: Source, count: int, number: int, workers: int) -> Iterator[np.ndarray]:
    """Batches of one view of all images, made while the trunk works on those before."""

    def make(start: int) -> np.ndarray:
        rows = np.arange(start, min(start + CACHE_BATCH, count))
        return source(rows, np.full_like(rows, number))

    starts = range(0, count, CACHE_BATCH)
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(make, start) for start in starts[:workers]]
        for start in [*starts[workers:], *[None] * len(waiting)]:
            batch = waiting.pop(0).result()
            if start is not None:
                waiting.append(pool.submit(make, start))
            yield batch
