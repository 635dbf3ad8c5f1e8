"""Losses and optimizers side by side: the head alone, on the pooled conv4 that a run has kept.

    python -m model.training.ablation --data ../shared/data/kermany224 --run var/training

needs a run with --cache-features whose conv4 was frozen; takes some minutes. Writes
OUT/ablations.json, which `python -m model.evaluation.card` puts into the model card. Everything but
what is compared is as in `model.cnn` with --consistency 0; figures are those of the augmented
validation views, uncalibrated and at 0.5, because that is what loss and optimizer answer for.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from model.evaluation import scores as evaluation
from model.network.graph import add_head, probability_of
from model.reading import dataset as data
from model.training.fitting import balance_classes, compile_network
from model.training.settings import RATES, parse_arguments

CHANNELS = 1024
"""Of the pooled conv4: the last columns of what a run keeps."""
EPOCHS = 12
CHOICES = {
    "loss": [{"loss": name} for name in ("bce", "focal")],
    "optimizer": [{"optimizer": name} for name in RATES],
}


def measure(
    choice: dict[str, str], folder: Path, run: Path, epochs: int, resamples: int
) -> dict[str, Any]:
    """Train one head and score it on the augmented validation views."""
    options = [text for name, value in choice.items() for text in (f"--{name}", value)]
    arguments = parse_arguments(["--data", str(folder), "--out", str(run), *options])
    keras.utils.set_random_seed(arguments.seed)
    xrays = data.list_xrays(folder / "train")
    training, validation = data.split_by_patient(xrays, arguments.validation_share, arguments.seed)
    cache = run / "cache" / "machine-0"
    views = [np.load(file, mmap_mode="r") for file in sorted(cache.glob("train-*.npy"))]
    [checks] = [np.load(file, mmap_mode="r") for file in cache.glob("validation-*.npy")]
    labels = np.tile([x.label for x in training], len(views))[:, None]
    features = np.concatenate([view[:, -CHANNELS:] for view in views]).astype(np.float32)
    pooled = keras.Input((CHANNELS,))
    model = keras.Model(
        pooled,
        probability_of(
            add_head(
                pooled,
                arguments.dense,
                arguments.dropout,
                arguments.l2,
                arguments.batch_norm,
                name="head",
            )
        ),
    )
    arguments.epochs = epochs
    compile_network(model, len(labels) // arguments.batch * epochs, arguments)
    model.fit(
        features,
        labels,
        batch_size=arguments.batch,
        epochs=epochs,
        class_weight=dict(enumerate(balance_classes(labels))),
        callbacks=[keras.callbacks.SwapEMAWeights()],
        verbose=0,
    )
    seen = checks[:, -CHANNELS:].astype(np.float32)
    repeats = len(seen) // len(validation)
    scores = evaluation.score_predictions(
        np.tile([x.label for x in validation], repeats),
        model.predict(seen, verbose=0)[:, 0].astype(np.float64),
        0.5,
        [x.patient for x in validation] * repeats,
        arguments.seed,
        resamples,
    )
    return {name: scores[name] for name in ("auc_roc", "sensitivity", "specificity", "brier")}


def main(argv: Sequence[str] | None = None) -> int:
    """Run; what is missing is told in one line."""
    parser = argparse.ArgumentParser(description="Compare losses and optimizers on the head.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument("--run", type=Path, default=Path("var/training"))
    parser.add_argument("--out", type=Path, default=Path("model/artifact"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args(argv)
    cache = given.run / "cache" / "machine-0"
    recipes = {file.name.rpartition("-")[0] for file in cache.glob("train-*.npy")}
    if len(recipes) != 1 or len(list(cache.glob("validation-*.npy"))) != 1:
        print(
            f"{cache} does not hold the kept features of one run; train with --cache-features "
            "into an empty folder first.",
            file=sys.stderr,
        )
        return 1
    found = {
        kind: {
            choice[kind]: measure(choice, given.data, given.run, given.epochs, given.resamples)
            for choice in choices
        }
        for kind, choices in CHOICES.items()
    }
    (given.out / "ablations.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
