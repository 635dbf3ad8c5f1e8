"""The command line of a training run."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from model.reading.ages import age_band
from model.reading.xray import INPUT_SIDE
from model.training.option_types import positive, rate, seed, share, side, weight, whole
from model.training.settings import AlignmentOptions, Hyperparameters, RunSettings

# Learning rate and weight decay of each optimizer. Keras multiplies the two at every step, so the
# decay is chosen to keep their product, the share that a weight loses, the same for all of them.
RATES = {
    "adam": (4e-4, 4e-3),
    "nadam": (4e-4, 4e-3),
    "sgd": (1e-2, 1.6e-4),
    "adadelta": (1.0, 1.6e-6),
}


def parse_settings(argv: Sequence[str] | None) -> RunSettings:
    """Parse `argv` (None: the process's own); missing rates default to those of the optimizer."""
    parser = argparse.ArgumentParser(
        prog="model/cnn.py",
        usage="%(prog)s --data FOLDER|CSV --out FOLDER [options, see --help]",
        description="Fine-tune ResNet50 to detect pneumonia in chest X-rays.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_run(parser.add_argument_group("data and results"))
    _add_network(parser.add_argument_group("network"))
    _add_fitting(parser.add_argument_group("training"))
    _add_machine(parser.add_argument_group("machine"))
    # --help states these defaults in words, so the parser must not print them as None.
    optional = (
        "learning_rate",
        "weight_decay",
        "cache",
        "metrics",
        "other_xrays",
        "not_xrays",
        "align",
    )
    given = vars(parser.parse_args(argv, argparse.Namespace(**dict.fromkeys(optional))))
    given["dense"], given["data"] = tuple(given["dense"]), tuple(given["data"])
    learning_rate, weight_decay = RATES[given["optimizer"]]
    if given["learning_rate"] is None:
        given["learning_rate"] = learning_rate
    if given["weight_decay"] is None:
        given["weight_decay"] = weight_decay
    source, directions = given["align"], given.pop("align_directions")
    given["align"] = AlignmentOptions(source, directions) if source else None
    chosen = {field.name: given.pop(field.name) for field in fields(Hyperparameters)}
    return RunSettings(**given, hyperparameters=Hyperparameters(**chosen))


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data",
        type=Path,
        action="append",
        metavar="FOLDER|CSV",
        required=True,
        default=argparse.SUPPRESS,
        help="has train/ and test/, each with NORMAL/ and PNEUMONIA/; or a CSV file with the "
        "columns file, label (normal or pneumonia) and patient, and if wanted source, split (train "
        "or test) and age; or the reviews.csv of the service, in the "
        "folder of the files that it names. Repeat it to train on several sources",
    )
    group.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        required=True,
        default=argparse.SUPPRESS,
        help="for the artifact, training.csv and logs/ for TensorBoard; a killed run resumes from "
        "here when it is started again with the same arguments",
    )
    group.add_argument(
        "--other-xrays",
        type=Path,
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="unlabelled chest X-rays of another origin, named PATIENT_...; half of them are "
        "fitted, so that images of another scanner are not refused",
    )
    group.add_argument(
        "--not-xrays",
        type=Path,
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="images that are not chest X-rays; used only to count how many are refused",
    )
    group.add_argument(
        "--metrics",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="a .prom file for node_exporter: progress and final scores",
    )
    group.add_argument(
        "--ages",
        type=age_band,
        metavar="YEARS-YEARS",
        default="1-5",
        help="of the patients in the data, in completed years; no result is shown for others",
    )
    group.add_argument(
        "--validation-share", type=share, metavar="SHARE", default=0.15, help="of the patients"
    )
    group.add_argument(
        "--sensitivity",
        type=share,
        metavar="SHARE",
        default=0.97,
        help="on the unaugmented validation X-rays; sets the threshold",
    )
    group.add_argument(
        "--seed", type=seed, metavar="N", default=20, help="of split, views, weights and dropout"
    )


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--network",
        choices=("resnet50", "dag"),
        default="resnet50",
        help="resnet50: Dense layers on the pooled conv4, others on conv5, and the mean of both "
        "logits; dag: a branch of Conv2D layers on each, fused by another before pooling",
    )
    group.add_argument(
        "--weights",
        metavar="imagenet|FILE|none",
        default="imagenet",
        help="initial weights of ResNet50: downloaded, an .npz of arrays named layer/variable, a "
        "trained network in .keras, or random values",
    )
    group.add_argument(
        "--trainable-layers",
        type=whole,
        metavar="N",
        default=15,
        help="train the last N layers of ResNet50, and any stage that is incomplete in the weights "
        "with all that follows it",
    )
    group.add_argument(
        "--side",
        type=side,
        metavar="PIXELS",
        default=INPUT_SIDE,
        help="width and height of the images",
    )
    group.add_argument(
        "--dense",
        type=positive,
        nargs="*",
        metavar="UNITS",
        default=[256],
        help="the Dense layers of each head",
    )
    group.add_argument(
        "--dropout", type=share, metavar="SHARE", default=0.5, help="after each Dense layer"
    )
    group.add_argument(
        "--l2", type=weight, metavar="X", default=1e-4, help="on the kernel of each Dense layer"
    )
    group.add_argument(
        "--batch-norm",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="batch normalisation of each Dense layer",
    )


def _add_fitting(group: argparse._ArgumentGroup) -> None:
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


def _add_machine(group: argparse._ArgumentGroup) -> None:
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
