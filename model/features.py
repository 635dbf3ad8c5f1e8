"""What the frozen trunk makes of each augmented view: computed once, kept on disk, read in batches.

conv1 to conv4 do most of the arithmetic and never change, so no epoch needs to repeat them.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from model import data


class FeatureBatches(keras.utils.PyDataset):
    """Shuffled batches of trunk features, (B, 14, 14, 1024); an epoch shows one view of each image.

    Which view, rotates with the epoch, so that no two epochs in a row see the same picture.
    """

    def __init__(
        self, views: Sequence[np.ndarray], labels: np.ndarray, batch: int, seed: int
    ) -> None:
        super().__init__()
        self._views, self._labels, self._batch = views, labels, batch
        self._random = np.random.default_rng(seed)
        self._epoch = 0
        self._shuffle()

    def _shuffle(self) -> None:
        self._order = self._random.permutation(len(self._labels))

    def __len__(self) -> int:
        return len(self._order) // self._batch

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        count = len(self._views)
        batch = np.stack([self._views[(self._epoch + row) % count][row] for row in rows])
        return batch.astype(np.float32), self._labels[rows]

    def on_epoch_end(self) -> None:
        """Reshuffle and move on to the next view."""
        self._epoch += 1
        self._shuffle()


def cache_features(
    trunk: keras.Model, images: np.ndarray, seed: int, hard: bool, file: Path
) -> np.ndarray:
    """Trunk outputs of one augmented view of each image, memory-mapped float16; made once."""
    if not file.exists():
        views = data.augment_all(images, seed, hard)
        shape = (len(views), *trunk.output.shape[1:])
        partial = file.with_suffix(".part")
        features = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
        progress = keras.utils.Progbar(len(views), unit_name="image", verbose=2, interval=30)
        for start in range(0, len(views), 64):
            batch = views[start : start + 64].astype(np.float32)
            features[start : start + 64] = trunk.predict_on_batch(batch)
            progress.update(min(start + 64, len(views)))
        features.flush()
        partial.rename(file)
    return np.load(file, mmap_mode="r")
