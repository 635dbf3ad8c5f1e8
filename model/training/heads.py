"""Train the heads in turn: the last one with the trained part of ResNet50, then that on conv4.

The head on conv4 reads only pooled features, 2 KB for each image and view, so it gets as many
epochs as it needs; conv5 would memorise the images in that time.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from model.network.backbone import split_network
from model.network.gradcam import HEAD_SUFFIX, POOLED_SUFFIX, pooled_features
from model.network.graph import probability_of
from model.training.batches import Batches, Source, augmented_views, plain_images, stored_features
from model.training.feature_cache import cache_features, check_space, describe, measure
from model.training.fitting import balance_sources, fit
from model.training.resume import HEAD_FOLDER, RESUME, History, close_run
from model.training.settings import RunSettings
from model.training.splits import Split


@dataclass(frozen=True)
class TrainingTask:
    """What every head is trained on: views of `training`, validated on `validation` as it is.

    This machine gets part `shard[0]` of `shard[1]` of each batch.
    """

    training: Split
    validation: Split
    settings: RunSettings
    shard: tuple[int, int]

    @property
    def cache(self) -> Path:
        """The folder of this machine's cached features."""
        settings = self.settings
        return (settings.cache or settings.out / "cache") / f"machine-{self.shard[0]}"

    @property
    def sources(self) -> tuple[Source, Source]:
        """The images to train on and to validate on."""
        seed = self.settings.hyperparameters.seed
        return (
            augmented_views(self.training.images, self.training.squashed, seed),
            plain_images(self.validation.images),
        )


def train_heads(network: keras.Model, task: TrainingTask) -> tuple[History, History]:
    """Train everything in `network` that is not frozen; call it in the scope of the strategy.

    Returns the history of the last head, and that of the head on conv4, which is empty when the
    network has one head only. Raises CacheError and RunError.
    """
    chosen = task.settings.hyperparameters
    *first, last = (layer.name for layer in pooled_features(network))
    deep = end_at_head(network, network.input, last)
    trunk, rest = split_network(network, deep.output)
    if chosen.cache_features:
        cached = cache_views(trunk, task)
        history = _fit_cached(rest, cached, task)
    else:
        history = _fit(deep, task.sources, None, task)
    if not first:
        return history, {}
    pooled = network.get_layer(f"{first[0]}{POOLED_SUFFIX}").output
    if chosen.cache_features and trunk.outputs[-1] is pooled:
        features = [view[:, -pooled.shape[1] :] for view in cached]
    else:  # conv4 itself was trained, or nothing was cached
        features = cache_views(keras.Model(network.input, pooled), task)
    head = end_at_head(network, [pooled], first[0])
    head_history = fit_head(head, features, task, task.settings.out / HEAD_FOLDER)
    close_run(task.settings.out / HEAD_FOLDER)
    return history, head_history


def fit_head(
    head: keras.Model, features: list[np.ndarray], task: TrainingTask, out: Path
) -> History:
    """Fit one head on pooled features for `head_epochs`; the state of the fit is kept in `out`.

    `features` are those of each view of training and, last, of validation.
    """
    chosen = task.settings.hyperparameters
    (out / RESUME).mkdir(parents=True, exist_ok=True)
    longer = replace(chosen, epochs=chosen.head_epochs, patience=chosen.head_epochs)
    settings = replace(task.settings, out=out, hyperparameters=longer)
    return _fit_cached(head, features, replace(task, settings=settings))


def end_at_head(network: keras.Model, start: Any, features: str) -> keras.Model:
    """From the tensors `start` to the probability by the head on `features`; layers are shared."""
    logit = network.get_layer(f"{features}{HEAD_SUFFIX}_logit").output
    return keras.Model(start, probability_of(logit))


def cache_views(part: keras.Model, task: TrainingTask) -> list[np.ndarray]:
    """The outputs of `part` for each view of training and, last, for validation; on disk."""
    settings, chosen, cache = task.settings, task.settings.hyperparameters, task.cache
    cache.mkdir(parents=True, exist_ok=True)
    views, plain = task.sources

    def name_key(split: Split) -> str:
        return describe(part, split.images, split.squashed, chosen.seed).key

    key = name_key(task.training)
    wanted = [(f"train-{key}-{k}", views, task.training, k) for k in range(chosen.views)]
    wanted.append((f"validation-{name_key(task.validation)}", plain, task.validation, 0))
    missing = (
        measure(part, len(split.xrays))
        for name, _, split, _ in wanted
        if not (cache / f"{name}.npy").exists()
    )
    check_space(cache, sum(missing))
    return [
        cache_features(part, source, len(split.xrays), k, cache / f"{name}.npy", settings.workers)
        for name, source, split, k in wanted
    ]


def _fit_cached(model: keras.Model, cached: list[np.ndarray], task: TrainingTask) -> History:
    """Fit on cached features: those of each view of training and, last, those of validation."""
    sources = stored_features(cached[:-1], model), stored_features(cached[-1:], model)
    return _fit(model, sources, task.settings.hyperparameters.views, task)


def _fit(
    model: keras.Model, sources: tuple[Source, Source], views: int | None, task: TrainingTask
) -> History:
    chosen, labels = task.settings.hyperparameters, task.training.labels
    balanced = chosen.class_weights == "balanced"
    batches = Batches(
        sources[0],
        labels,
        chosen.batch,
        seed=chosen.seed,
        views=views,
        pairs=chosen.consistency > 0,
        weights=balance_sources(labels, task.training.sources) if balanced else None,
        workers=task.settings.workers,
        shard=task.shard,
    )
    checks = Batches(sources[1], task.validation.labels, chosen.batch, shard=task.shard)
    return fit(model, batches, checks, task.settings)
