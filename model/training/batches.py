"""The batches of training: augmented views of X-rays, or cached features of such views.

Both come from a `Source`, a function from indices of images and numbers of views to the inputs of a
network. Seed, image and number determine a view, whether it is computed on the fly or cached.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from model.training.augmentation import RECIPE, Recipe, augment

Source = Callable[[np.ndarray, np.ndarray], Any]
"""Indices of images (B,) and the number of the view of each (B,) -> inputs of a network."""


class Batches(keras.utils.PyDataset):
    """Batches (inputs, labels (B, 1), weights (B,)) of a source, prefetched by `workers` threads.

    Shuffled by `seed`, without the last incomplete batch; without `seed`, in order and complete. An
    epoch shows one view of each image, or with `pairs` two views in adjacent rows; the next epoch
    shows the next views, out of `views` or out of infinitely many. `batch` counts views.
    `weights` (N,) are those of the images in the loss; None: 1 for each. Machine `shard[0]` of
    `shard[1]` gets its part of every batch.
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
        weights: np.ndarray | None = None,
        workers: int = 1,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__(workers=workers, max_queue_size=4 * workers)
        self._source, self._views, self._shard = source, views, shard
        self._labels = np.asarray(labels, np.float32)[:, None]
        given = np.ones(len(labels)) if weights is None else weights
        self._weights = np.asarray(given, np.float32)
        self._each = 2 if pairs else 1
        self._batch = min(max(batch // self._each, 1), len(labels))
        self._seed = seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for this epoch and select its views."""
        self._epoch = epoch
        if self._seed is None:
            self._order = np.arange(len(self._labels))
        else:
            # Depends on the epoch alone, so a resumed run sees the same batches.
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
        """Start the next epoch; called by Keras."""
        self.start_epoch(self._epoch + 1)


def augmented_views(
    images: np.ndarray, squashed: Sequence[int | None], seed: int, recipe: Recipe = RECIPE
) -> Source:
    """Views (B, S, S, 1) float32 of (N, S, S, 1) uint8 images, computed on the fly.

    `squashed` is the class, 0 or 1, of each image whose class has a mean aspect ratio that is to be
    undone, and None for others; see `augment`.
    """

    def read(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        views = [
            augment(
                images[row],
                np.random.default_rng((seed, number, row)),
                recipe.hard_views[number % len(recipe.hard_views)],
                squashed[row],
                recipe,
            )
            for row, number in zip(rows, numbers, strict=True)
        ]
        return np.stack(views).astype(np.float32)

    return read


def plain_images(images: np.ndarray) -> Source:
    """The images unchanged, (B, S, S, 1) float32, whatever the number of the view."""
    return lambda rows, _: images[rows].astype(np.float32)


def stored_features(views: Sequence[np.ndarray], rest: keras.Model) -> Source:
    """Inputs of `rest` from the arrays of `cache_features`, one for each number of a view."""
    shapes = [tensor.shape[1:] for tensor in rest.inputs]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def read(rows: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, ...]:
        flat = np.stack(
            [views[number][row] for row, number in zip(rows, numbers, strict=True)]
        ).astype(np.float32)
        parts = np.split(flat, ends[:-1], axis=1)
        return tuple(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True))

    return read
