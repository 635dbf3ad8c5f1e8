"""One of two machines, as a process: `python -m tests.model.training.machine OUT`, with TF_CONFIG.

Its last line of output is JSON: the history of one epoch, and the weights after it.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

from model.training.batches import Batches, plain_images
from model.training.command_line import parse_settings
from model.training.distribution import find_shard, make_strategy
from model.training.fitting import fit


def main(out: Path) -> None:
    """One epoch of logistic regression on this machine's half of each batch."""
    strategy = make_strategy("multiworker")
    shard = find_shard(strategy)
    out /= f"machine-{shard[0]}"
    (out / "resume").mkdir(parents=True)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        output = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input((2,)), output])
    labels = np.array([0, 1] * 8)
    pictures = np.random.default_rng(0).normal(labels[:, None], 1.0, (16, 2))
    training = Batches(plain_images(pictures), labels, 4, seed=1, shard=shard)
    checks = Batches(plain_images(pictures), labels, 4, shard=shard)
    settings = parse_settings(["--data", "none", "--out", str(out), "--epochs", "1"])
    history = fit(model, training, checks, settings)
    weights = [weight.tolist() for weight in model.get_weights()]
    print(json.dumps({"history": history, "weights": weights}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
