"""The options of a training run that say how it fits, and on which machine."""

import argparse
from pathlib import Path

from model.training.option_types import positive, rate, share, weight

# Learning rate and weight decay of each optimizer. Keras multiplies the two at every step, so the
# decay is chosen to keep their product, the share that a weight loses, the same for all of them.
RATES = {
    "adam": (4e-4, 4e-3),
    "nadam": (4e-4, 4e-3),
    "sgd": (1e-2, 1.6e-4),
    "adadelta": (1.0, 1.6e-6),
}


def add_fitting(group: argparse._ArgumentGroup) -> None:
    """Loss, optimizer and what it sees."""
    group.add_argument("--epochs", type=positive, metavar="N", default=6, help="at most")
    group.add_argument(
        "--head-epochs",
        type=positive,
        metavar="N",
        default=48,
        help="for the head on conv4, which is trained separately on pooled features; resnet50 only",
    )
    group.add_argument(
        "--patience",
        type=positive,
        metavar="N",
        default=4,
        help="stop after so many epochs without a better validation AUC",
    )
    group.add_argument(
        "--batch", type=positive, metavar="N", default=32, help="images in a training step"
    )
    group.add_argument(
        "--loss", choices=("bce", "focal"), default="bce", help="cross-entropy, or Lin et al. 2017"
    )
    group.add_argument(
        "--label-smoothing", type=share, metavar="X", default=0.05, help="of the loss"
    )
    group.add_argument(
        "--consistency",
        type=weight,
        metavar="X",
        default=0.1,
        help="weight in the loss of the variance of the logit between two views of an image; above "
        "0, an epoch shows two views of each image, next to each other in a batch",
    )
    group.add_argument(
        "--class-weights",
        choices=("balanced", "none"),
        default="balanced",
        help="balanced: both classes have the same total weight, and within a class each source "
        "one that grows with the square root of its images",
    )
    group.add_argument(
        "--align",
        metavar="SOURCE",
        default=argparse.SUPPRESS,
        help="a source with X-rays of one class only: the heads see nothing that tells it from the "
        "others. --other-xrays must be more X-rays of it, ill ones among them; no layer of "
        "ResNet50 is trained",
    )
    group.add_argument(
        "--align-directions",
        type=positive,
        metavar="N",
        default=1,
        help="how many directions in the features --align removes",
    )
    group.add_argument("--optimizer", choices=tuple(RATES), default="adam", help="update rule")
    by_optimizer = ", ".join(f"{name} {rates[0]:g}" for name, rates in RATES.items())
    group.add_argument(
        "--learning-rate",
        type=rate,
        metavar="X",
        default=argparse.SUPPRESS,
        help=f"the peak, after a warm-up and before a cosine (default: {by_optimizer})",
    )
    by_optimizer = ", ".join(f"{name} {rates[1]:g}" for name, rates in RATES.items())
    group.add_argument(
        "--weight-decay",
        type=weight,
        metavar="X",
        default=argparse.SUPPRESS,
        help=f"decoupled, on all trained layers (default: {by_optimizer})",
    )


def add_machine(group: argparse._ArgumentGroup) -> None:
    """How this machine is used."""
    group.add_argument(
        "--cache-features",
        action="store_true",
        help="run the frozen layers once for each view and cache their outputs on disk, instead of "
        "running them in every epoch on new views",
    )
    group.add_argument(
        "--views",
        type=positive,
        metavar="N",
        default=6,
        help="augmented views of each image that --cache-features caches and that the head on "
        "conv4 is trained on",
    )
    group.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="of --cache-features (default: OUT/cache)",
    )
    group.add_argument(
        "--workers", type=positive, metavar="N", default=2, help="threads that augment images"
    )
    group.add_argument(
        "--mixed-precision",
        action="store_true",
        help="float16 arithmetic on a GPU, bfloat16 on a processor that has it",
    )
    group.add_argument(
        "--strategy",
        choices=("one", "mirrored", "multiworker"),
        default="one",
        help="one device, all GPUs of this machine, or the machines in TF_CONFIG",
    )
