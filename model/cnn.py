#!/usr/bin/env python
"""Train: fine-tune ResNet50 on chest X-rays and write the artifact.

    python -m model.cnn --data ../shared/data/kermany224 --cache-features \
        --weights ../shared/weights/resnet50_imagenet_conv1_to_conv4.npz --out var/training

The data is split by patient. The first layers of ResNet50 keep their ImageNet weights; with
--cache-features they run once for each augmented view, and the last layers and the heads are
trained on the cached outputs (float16, 400 KB an image for conv4).
The best epoch is chosen on augmented views of the validation patients, because unaugmented ones
look solved (AUC 0.996) while the test set does not; threshold and calibration are chosen on their
unaugmented X-rays. The test set is used once, at the end.
A killed run resumes when it is started again with the same arguments.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from model.network.backbone import WeightsError, freeze, load_weights
from model.network.graph import build_network
from model.reading.dataset import DataError, digest_xrays
from model.serving.artifact import Artifact, ArtifactError, sha256_of
from model.training.aligned_heads import check_alignment, train_aligned_heads
from model.training.augmentation import RECIPE, digest_recipe
from model.training.command_line import parse_settings
from model.training.distribution import (
    check_pairs,
    find_shard,
    make_strategy,
    use_mixed_precision,
)
from model.training.heads import TrainingTask, train_heads
from model.training.metrics import report_run
from model.training.preflight import check_paths
from model.training.record import (
    ImageCounts,
    TrainingRecord,
    describe_hardware,
    list_versions,
    now,
    read_commit,
    read_initial,
)
from model.training.refusal_images import read_refusal_images
from model.training.result import find_leftovers, write_artifact
from model.training.resume import close_run, open_run
from model.training.settings import InputError, RunSettings
from model.training.splits import augment_validation, check_shares, read_splits


def main(argv: Sequence[str] | None = None) -> int:
    """Train. An input that makes it impossible is printed as one line, with exit status 2."""
    settings = parse_settings(argv)
    try:
        check_paths(settings)
        report_run(settings.metrics, partial(train, settings))
    except (InputError, DataError, WeightsError, ArtifactError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def train(settings: RunSettings) -> Artifact | None:
    """The whole run: write the artifact to `settings.out` and return its metadata.

    On several machines only the first one does; the others return None. Raises InputError,
    DataError, WeightsError or ArtifactError, each with one sentence, before the first epoch.
    """
    chosen = settings.hyperparameters
    commit = read_commit()  # now, because the code may be edited during a long run
    keras.utils.set_random_seed(chosen.seed)

    # The machines and their devices.
    strategy = make_strategy(chosen.strategy)
    if chosen.consistency:
        check_pairs(strategy, chosen.batch)
    use_mixed_precision(chosen.mixed_precision)
    shard = find_shard(strategy)
    is_first_machine = shard[0] == 0
    if not is_first_machine:
        settings = replace(settings, out=settings.out / f"machine-{shard[0]}")
    print(json.dumps(asdict(settings), default=str, indent=2))

    # The images.
    for leftover in find_leftovers(settings.out):
        print(f"{leftover} is of an earlier artifact; writing the new one will delete it.")
    refusal_images = read_refusal_images(settings)
    splits = read_splits(settings.data, chosen.validation_share, chosen.seed, chosen.side)
    check_shares(splits.validation, chosen.sensitivity_of or ())
    data_digest = digest_xrays(splits.training.xrays + splits.validation.xrays)

    # The network: which weights it starts with, and which layers are trained.
    with strategy.scope():
        network = build_network(
            chosen.dense,
            chosen.dropout,
            chosen.l2,
            kind=chosen.network,
            side=chosen.side,
            batch_norm=chosen.batch_norm,
        )
        fresh = load_weights(network, settings.weights)
        trained = freeze(network, chosen.trainable_layers, fresh)
    print(f"Not loaded, so trained from random values: {', '.join(fresh) or 'none'}.")
    print(f"Trained layers of ResNet50: {', '.join(trained) or 'none'}; and all after it.")
    weights_file = Path(settings.weights)
    weights_digest = sha256_of(weights_file) if weights_file.is_file() else settings.weights
    initial = read_initial(weights_file)

    # Training, or what is left of it after a kill.
    open_run(
        settings.out,
        {
            "arguments": json.dumps(chosen.encode()),
            "data": data_digest,
            "weights": weights_digest,
            "augmentation": digest_recipe(RECIPE),
        },
    )
    task = TrainingTask(splits.training, augment_validation(splits.validation), settings, shard)
    with strategy.scope():
        if align := chosen.align:
            other = refusal_images.other_xrays
            more = check_alignment(chosen, align.source, splits.training, trained, other)
            history, head_history = train_aligned_heads(network, task, align, more)
        else:
            history, head_history = train_heads(network, task)

    # The artifact: weights, threshold, calibration, refusals, figures, plots and model card, all
    # computed in float32, the reference in service.
    use_mixed_precision(False)
    artifact = None
    if is_first_machine:
        record = TrainingRecord(
            arguments=chosen,
            history=history,
            head_on_conv4={name: values[-1] for name, values in head_history.items()},
            images=ImageCounts(len(splits.training.xrays), len(splits.validation.xrays)),
            trained_layers=trained,
            data_sha256=data_digest,
            initial_weights_sha256=weights_digest,
            commit=commit,
            trained_at=now(),
            hardware=describe_hardware(),
            versions=list_versions(),
            sources=sorted(set(splits.training.sources.tolist())),
            initial=initial,
        )
        artifact = write_artifact(network, splits, refusal_images, record, settings)
    close_run(settings.out)
    return artifact


if __name__ == "__main__":
    sys.exit(main())
