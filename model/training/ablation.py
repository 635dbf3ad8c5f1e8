"""Compare losses and optimizers on the head alone, on the pooled conv4 that a run has cached.

    python -m model.training.ablation --data ../shared/data/kermany224 --run var/training

needs a run with --cache-features and a frozen conv4; takes some minutes. Writes
OUT/ablations.json, which `python -m model.evaluation.card` adds to the model card. All else is as
in `model.cnn` with --consistency 0. Scores are those on the augmented validation views, before
calibration and at a threshold of 0.5, which is all that loss and optimizer determine.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from model.evaluation.bootstrap import Estimate
from model.evaluation.scores import Predictions, score_predictions
from model.network.graph import add_head, probability_of
from model.reading import dataset as data
from model.training.command_line import parse_settings
from model.training.fitting import balance_classes, compile_network
from model.training.fitting_options import RATES

CHANNELS = 1024
"""Values of the pooled conv4: the last columns of the cached features."""
EPOCHS = 12
CHOICES = {
    "loss": [{"loss": name} for name in ("bce", "focal")],
    "optimizer": [{"optimizer": name} for name in RATES],
}


FIGURES = ("auc_roc", "sensitivity", "specificity", "brier")


def score_choice(
    choice: dict[str, str], data_folder: Path, run: Path, epochs: int, resamples: int
) -> dict[str, Estimate]:
    """Train one head and score it on the augmented validation views; FIGURES by name."""
    options = [text for name, value in choice.items() for text in (f"--{name}", value)]
    settings = parse_settings(["--data", str(data_folder), "--out", str(run), *options])
    chosen = replace(settings.hyperparameters, epochs=epochs)
    keras.utils.set_random_seed(chosen.seed)
    xrays = data.list_xrays(data_folder / "train")
    training, validation = data.split_by_patient(xrays, chosen.validation_share, chosen.seed)
    cache = run / "cache" / "machine-0"
    views = [np.load(file, mmap_mode="r") for file in sorted(cache.glob("train-*.npy"))]
    [checks] = [np.load(file, mmap_mode="r") for file in cache.glob("validation-*.npy")]
    labels = np.tile([x.label for x in training], len(views))[:, None]
    features = np.concatenate([view[:, -CHANNELS:] for view in views]).astype(np.float32)
    pooled = keras.Input((CHANNELS,))
    logit = add_head(
        pooled, chosen.dense, chosen.dropout, chosen.l2, chosen.batch_norm, name="head"
    )
    model = keras.Model(pooled, probability_of(logit))
    compile_network(model, len(labels) // chosen.batch * epochs, chosen)
    model.fit(
        features,
        labels,
        batch_size=chosen.batch,
        epochs=epochs,
        class_weight=dict(enumerate(balance_classes(labels))),
        callbacks=[keras.callbacks.SwapEMAWeights()],
        verbose=0,
    )
    check_features = checks[:, -CHANNELS:].astype(np.float32)
    repeats = len(check_features) // len(validation)
    predictions = Predictions(
        np.tile([x.label for x in validation], repeats),
        model.predict(check_features, verbose=0)[:, 0].astype(np.float64),
        [x.patient for x in validation] * repeats,
    )
    scores = asdict(score_predictions(predictions, 0.5, chosen.seed, resamples))
    return {name: scores[name] for name in FIGURES}


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and write; a missing input is printed as one line."""
    parser = argparse.ArgumentParser(description="Compare losses and optimizers on the head.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument("--run", type=Path, default=Path("var/training"))
    parser.add_argument("--out", type=Path, default=Path("model/artifact"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args(argv)
    cache = arguments.run / "cache" / "machine-0"
    recipes = {file.name.rpartition("-")[0] for file in cache.glob("train-*.npy")}
    if len(recipes) != 1 or len(list(cache.glob("validation-*.npy"))) != 1:
        print(
            f"{cache} does not hold the cached features of exactly one run; train with "
            "--cache-features into an empty folder first.",
            file=sys.stderr,
        )
        return 1
    found = {
        kind: {
            choice[kind]: score_choice(
                choice, arguments.data, arguments.run, arguments.epochs, arguments.resamples
            )
            for choice in choices
        }
        for kind, choices in CHOICES.items()
    }
    (arguments.out / "ablations.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
