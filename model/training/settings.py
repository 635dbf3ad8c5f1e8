"""The command line of a training run; everything that the run depends on."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from model.reading.xray import INPUT_SIDE

# Learning rate and weight decay of each optimizer. Keras multiplies both at every step, so the
# decay is what leaves their product, the share that a weight loses, the same for all of them.
RATES = {
    "adam": (4e-4, 4e-3),
    "nadam": (4e-4, 4e-3),
    "sgd": (1e-2, 1.6e-4),
    "adadelta": (1.0, 1.6e-6),
}
NETWORK_STRIDE = 32
"""Pixels of the image to a cell of conv5."""


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse `argv` (None: the process's own); rates that were not given are the optimizer's."""
    parser = argparse.ArgumentParser(
        prog="model/cnn.py",
        usage="%(prog)s --data FOLDER --out FOLDER [options, see --help]",
        description="Fine-tune ResNet50 to detect pneumonia in chest X-rays.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_run(parser.add_argument_group("data and results"))
    _add_network(parser.add_argument_group("network"))
    _add_fitting(parser.add_argument_group("training"))
    _add_machine(parser.add_argument_group("machine"))
    # Defaults that the help does not print: they are said in words there.
    unset = argparse.Namespace(
        learning_rate=None,
        weight_decay=None,
        cache=None,
        metrics=None,
        other_xrays=None,
        not_xrays=None,
    )
    arguments = parser.parse_args(argv, unset)
    learning_rate, weight_decay = RATES[arguments.optimizer]
    if arguments.learning_rate is None:
        arguments.learning_rate = learning_rate
    if arguments.weight_decay is None:
        arguments.weight_decay = weight_decay
    return arguments


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        required=True,
        default=argparse.SUPPRESS,
        help="has train/ and test/, each with NORMAL/ and PNEUMONIA/",
    )
    group.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        required=True,
        default=argparse.SUPPRESS,
        help="gets the artifact, training.csv and logs/ for TensorBoard; a run that was killed "
        "goes on from here when it is started again with the same arguments",
    )
    group.add_argument(
        "--other-xrays",
        type=Path,
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="unlabelled chest X-rays of another origin, named PATIENT_...: with half of them, "
        "another scanner is no reason to refuse an image",
    )
    group.add_argument(
        "--not-xrays",
        type=Path,
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="images that are no chest X-rays; only measured, how many are refused",
    )
    group.add_argument(
        "--metrics",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="a .prom file for node_exporter: progress and, in the end, figures",
    )
    group.add_argument(
        "--validation-share", type=_share, metavar="SHARE", default=0.15, help="of the patients"
    )
    group.add_argument(
        "--sensitivity",
        type=_share,
        metavar="SHARE",
        default=0.97,
        help="on the validation X-rays as they come; sets the threshold",
    )
    group.add_argument(
        "--seed", type=_seed, metavar="N", default=20, help="of split, views, weights, dropout"
    )


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--network",
        choices=("resnet50", "dag"),
        default="resnet50",
        help="resnet50: Dense layers on the pooled conv4, others on conv5, and the mean of both "
        "logits; dag: a branch of Conv2D layers on each of the two, fused by another before the "
        "pooling",
    )
    group.add_argument(
        "--weights",
        metavar="imagenet|FILE|none",
        default="imagenet",
        help="what the base begins with: downloaded, an .npz of arrays named layer/variable, or "
        "random values",
    )
    group.add_argument(
        "--trainable-layers",
        type=_whole,
        metavar="N",
        default=15,
        help="the last N layers of the base are trained; so is, from its first layer on, a stage "
        "that the weights do not have completely",
    )
    group.add_argument(
        "--side",
        type=_side,
        metavar="PIXELS",
        default=INPUT_SIDE,
        help="width and height of the images",
    )
    group.add_argument(
        "--dense",
        type=_positive,
        nargs="*",
        metavar="UNITS",
        default=[256],
        help="the Dense layers of each head",
    )
    group.add_argument(
        "--dropout", type=_share, metavar="SHARE", default=0.5, help="after each Dense layer"
    )
    group.add_argument(
        "--l2", type=_weight, metavar="X", default=1e-4, help="on the kernel of each Dense layer"
    )
    group.add_argument(
        "--batch-norm",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="batch normalisation of each Dense layer",
    )


def _add_fitting(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--epochs", type=_positive, metavar="N", default=6, help="at most")
    group.add_argument(
        "--head-epochs",
        type=_positive,
        metavar="N",
        default=48,
        help="of the head on conv4, which is trained by itself, on its pooled features; resnet50 "
        "only",
    )
    group.add_argument(
        "--patience",
        type=_positive,
        metavar="N",
        default=4,
        help="epochs without a better validation AUC that end the training",
    )
    group.add_argument(
        "--batch", type=_positive, metavar="N", default=32, help="images in a training step"
    )
    group.add_argument(
        "--loss", choices=("bce", "focal"), default="bce", help="cross-entropy, or Lin et al. 2017"
    )
    group.add_argument(
        "--label-smoothing", type=_share, metavar="X", default=0.05, help="of the loss"
    )
    group.add_argument(
        "--consistency",
        type=_weight,
        metavar="X",
        default=0.1,
        help="weight of the variance of the logit between two views of the same image; above 0 an "
        "epoch shows each image in two views, side by side in a batch",
    )
    group.add_argument(
        "--class-weights",
        choices=("balanced", "none"),
        default="balanced",
        help="balanced: a class counts the same however few its images are",
    )
    group.add_argument("--optimizer", choices=tuple(RATES), default="adam", help="update rule")
    by_optimizer = ", ".join(f"{name} {rates[0]:g}" for name, rates in RATES.items())
    group.add_argument(
        "--learning-rate",
        type=_rate,
        metavar="X",
        default=argparse.SUPPRESS,
        help=f"the peak, after a warm-up and before a cosine (default: {by_optimizer})",
    )
    by_optimizer = ", ".join(f"{name} {rates[1]:g}" for name, rates in RATES.items())
    group.add_argument(
        "--weight-decay",
        type=_weight,
        metavar="X",
        default=argparse.SUPPRESS,
        help=f"decoupled, all trained layers (default: {by_optimizer})",
    )


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--cache-features",
        action="store_true",
        help="run the frozen layers once for each view and keep what they make of it on the disk, "
        "instead of once in every epoch for a view that is new",
    )
    group.add_argument(
        "--views",
        type=_positive,
        metavar="N",
        default=6,
        help="augmented views of each image that --cache-features keeps, and that the head on "
        "conv4 is trained on",
    )
    group.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="where --cache-features keeps them (default: OUT/cache)",
    )
    group.add_argument(
        "--workers", type=_positive, metavar="N", default=2, help="threads that make views"
    )
    group.add_argument(
        "--mixed-precision", action="store_true", help="float16 arithmetic; needs a GPU"
    )
    group.add_argument(
        "--strategy",
        choices=("one", "mirrored", "multiworker"),
        default="one",
        help="one device, all GPUs of this machine, or the machines in TF_CONFIG",
    )


def _weight(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{value:g} is no weight from 0 on")
    return value


def _rate(text: str) -> float:
    value = _weight(text)
    if not value:
        raise argparse.ArgumentTypeError("0 learns nothing")
    return value


def _seed(text: str) -> int:
    value = _whole(text)
    if value >= 2**32:
        raise argparse.ArgumentTypeError(f"{value} has more than 32 bits")
    return value


def _whole(text: str) -> int:
    """Not negative; argparse names the function in its message, hence these short names."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below 0")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value


def _side(text: str) -> int:
    value = int(text)
    if value < NETWORK_STRIDE or value % NETWORK_STRIDE:
        raise argparse.ArgumentTypeError(f"{value} is no multiple of {NETWORK_STRIDE} pixels")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{value:g} is not from 0 to below 1")
    return value
