"""Train the heads on several sources without what tells one of them from the others (--align).

ResNet50 is frozen: its pooled features are what a source is removed from.
"""

import keras
import numpy as np

from model.network.gradcam import POOLED_SUFFIX, pooled_features
from model.training.alignment import fit_alignment, fold
from model.training.batches import augmented_views
from model.training.feature_cache import cache_features, describe
from model.training.heads import TrainingTask, cache_views, end_at_head, fit_head
from model.training.refusal_images import FolderImages
from model.training.resume import HEAD_FOLDER, History, close_run
from model.training.settings import AlignmentOptions, Hyperparameters, InputError
from model.training.splits import Split


def check_alignment(
    chosen: Hyperparameters,
    source: str,
    training: Split,
    trained: list[str],
    other: FolderImages | None,
) -> np.ndarray:
    """The unlabelled X-rays (N, S, S, 1) uint8 of --align's `source` that the fit may use.

    `trained` are the layers of ResNet50 that are to be trained. Raises InputError.
    """
    sources = sorted(set(training.sources.tolist()))
    if source not in sources or len(sources) == 1:
        raise InputError(
            f"--align {source} must be one of several sources in --data, which has "
            f"{', '.join(sources)}."
        )
    if trained or chosen.network != "resnet50":
        raise InputError(
            "--align fits the heads of a frozen ResNet50: give --trainable-layers 0, --network "
            "resnet50, and --weights that are complete, such as those of an earlier run."
        )
    if other is None:
        raise InputError("--align needs --other-xrays: unlabelled X-rays of the same source.")
    return other.images[other.in_fitting_half]


def train_aligned_heads(
    network: keras.Model, task: TrainingTask, options: AlignmentOptions, unlabelled: np.ndarray
) -> tuple[History, History]:
    """Train every head in `network`; call it in the scope of the strategy.

    `unlabelled` (N, S, S, 1) uint8 are more X-rays of the source, ill ones among them. Returns what
    `train_heads` returns. Raises CacheError and RunError.
    """
    names = [layer.name for layer in pooled_features(network)]
    pooled = [network.get_layer(f"{name}{POOLED_SUFFIX}").output for name in names]
    trunk = keras.Model(network.input, pooled)
    *training, validation = cache_views(trunk, task)
    others = _cache_unlabelled(trunk, unlabelled, task)

    labels, of_source = task.training.labels, task.training.sources == options.source
    count = len(unlabelled)
    weights = np.concatenate([weigh_classes(labels, of_source), np.full(count, 1 / count)])
    sides = np.concatenate([of_source, np.ones(count, bool)])
    histories, end = [], 0
    for name, tensor in zip(names, pooled, strict=True):
        start, end = end, end + tensor.shape[-1]
        rows = [view[:, start:end] for pair in zip(training, others, strict=True) for view in pair]
        alignment = fit_alignment(
            np.concatenate(rows),
            np.tile(weights, len(training)),
            np.tile(sides, len(training)),
            options.directions,
        )
        features = [alignment.apply(view[:, start:end]) for view in (*training, validation)]
        out = task.settings.out
        if name != names[-1]:
            out = out / HEAD_FOLDER
        histories.append(fit_head(end_at_head(network, [tensor], name), features, task, out))
        fold(network, name, alignment)
    close_run(task.settings.out / HEAD_FOLDER)
    on_conv4, last = histories
    return last, on_conv4


def weigh_classes(labels: np.ndarray, of_source: np.ndarray) -> np.ndarray:
    """Weights (N,) that give each class (N,) of the source, and each of the others, the same total.

    A side that has only one class gives it the total of two. So the classifier of the source sees
    nearly as many ill X-rays on either side, and removes little of the illness.
    """
    weights = np.zeros(len(labels))
    for side in (of_source, ~of_source):
        classes = [side & (labels == label) for label in np.unique(labels[side])]
        for rows in classes:
            weights[rows] = 1 / rows.sum() / len(classes)
    return weights


def _cache_unlabelled(
    trunk: keras.Model, images: np.ndarray, task: TrainingTask
) -> list[np.ndarray]:
    """The pooled features of each view of the unlabelled X-rays; on disk."""
    settings, chosen, cache = task.settings, task.settings.hyperparameters, task.cache
    squashed = [None] * len(images)
    key = describe(trunk, images, squashed, chosen.seed).key
    views = augmented_views(images, squashed, chosen.seed)
    return [
        cache_features(
            trunk, views, len(images), k, cache / f"unlabelled-{key}-{k}.npy", settings.workers
        )
        for k in range(chosen.views)
    ]
