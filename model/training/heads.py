"""The heads one after the other: the last one with what is trained of ResNet50, then that on conv4.

The head on conv4 reads nothing but pooled features, 2 KB an image and view, so it gets as many
epochs as it needs, in which conv5 would long have learned the images by heart.
"""

import argparse
from copy import copy
from pathlib import Path
from typing import Any

import keras
import numpy as np

from model.network.backbone import split_network
from model.network.gradcam import HEAD_SUFFIX, POOLED_SUFFIX, pooled_features
from model.network.graph import probability_of
from model.training.batches import Batches, Source, augmented_views, plain_images, stored_features
from model.training.feature_cache import cache_features, check_space, describe, measure
from model.training.fitting import HEAD_FOLDER, balance_classes, close_run, fit
from model.training.splits import Split


class HeadTraining:
    """What all parts of `network` are trained on: views of `training`, and `seen` as it is.

    Of each batch this machine gets its part `shard`.
    """

    def __init__(
        self,
        network: keras.Model,
        training: Split,
        seen: Split,
        arguments: argparse.Namespace,
        shard: tuple[int, int],
    ) -> None:
        self._network, self._training, self._seen = network, training, seen
        self._arguments, self._shard = arguments, shard
        self._pictures = (
            augmented_views(training.images, training.labels, arguments.seed),
            plain_images(seen.images),
        )

    def fit(self) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        """Train everything that is not frozen; the records of both, the second empty for one head.

        Call it in the scope of the strategy. Raises CacheError.
        """
        arguments = self._arguments
        *first, last = (layer.name for layer in pooled_features(self._network))
        deep = self._answer_of(self._network.input, last)
        trunk, rest = split_network(self._network, deep.output)
        if arguments.cache_features:
            kept = self._keep(trunk)
            sources = stored_features(kept[:-1], rest), stored_features(kept[-1:], rest)
            history = self._learn(rest, sources, arguments.views, arguments)
        else:
            history = self._learn(deep, self._pictures, None, arguments)
        if not first:
            return history, {}
        pooled = self._network.get_layer(f"{first[0]}{POOLED_SUFFIX}").output
        if arguments.cache_features and trunk.outputs[-1] is pooled:
            features = [view[:, -pooled.shape[1] :] for view in kept]
        else:  # conv4 was trained itself, or its output never kept
            features = self._keep(keras.Model(self._network.input, pooled))
        head = self._answer_of([pooled], first[0])
        alone = copy(arguments)
        alone.out = arguments.out / HEAD_FOLDER
        alone.epochs = alone.patience = arguments.head_epochs
        (alone.out / "resume").mkdir(parents=True, exist_ok=True)
        sources = stored_features(features[:-1], head), stored_features(features[-1:], head)
        second = self._learn(head, sources, arguments.views, alone)
        close_run(alone.out)
        return history, second

    def _answer_of(self, start: Any, features: str) -> keras.Model:
        """From tensors to the probability by the head on `features` alone, sharing the layers."""
        logit = self._network.get_layer(f"{features}{HEAD_SUFFIX}_logit").output
        return keras.Model(start, probability_of(logit))

    def _keep(self, part: keras.Model) -> list[np.ndarray]:
        """What `part` makes of each view of training and, last, of validation; on the disk."""
        arguments = self._arguments
        cache: Path = arguments.cache or arguments.out / "cache"
        cache /= f"machine-{self._shard[0]}"
        cache.mkdir(parents=True, exist_ok=True)
        (views, once), (training, seen) = self._pictures, (self._training, self._seen)
        key = self._describe(part, training)
        wanted = [(f"train-{key}-{k}", views, training, k) for k in range(arguments.views)]
        wanted.append((f"validation-{self._describe(part, seen)}", once, seen, 0))
        missing = (
            measure(part, len(split.xrays))
            for name, _, split, _ in wanted
            if not (cache / f"{name}.npy").exists()
        )
        check_space(cache, sum(missing))
        return [
            cache_features(
                part, source, len(split.xrays), k, cache / f"{name}.npy", arguments.workers
            )
            for name, source, split, k in wanted
        ]

    def _describe(self, part: keras.Model, split: Split) -> str:
        return describe(part, split.images, split.labels, self._arguments.seed).key

    def _learn(
        self,
        model: keras.Model,
        sources: tuple[Source, Source],
        views: int | None,
        arguments: argparse.Namespace,
    ) -> dict[str, list[float]]:
        labels = self._training.labels
        balanced = arguments.class_weights == "balanced"
        batches = Batches(
            sources[0],
            labels,
            arguments.batch,
            seed=arguments.seed,
            views=views,
            pairs=arguments.consistency > 0,
            class_weights=balance_classes(labels) if balanced else (1.0, 1.0),
            workers=arguments.workers,
            shard=self._shard,
        )
        checks = Batches(sources[1], self._seen.labels, arguments.batch, shard=self._shard)
        return fit(model, batches, checks, arguments)
