"""The command line of a training run."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from model.reading.ages import age_band
from model.reading.xray import INPUT_SIDE
from model.training.fitting_options import RATES, add_fitting, add_machine
from model.training.option_types import (
    positive,
    seed,
    share,
    share_of,
    side,
    weight,
    whole,
)
from model.training.settings import AlignmentOptions, Hyperparameters, RunSettings


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
    add_fitting(parser.add_argument_group("training"))
    add_machine(parser.add_argument_group("machine"))
    # --help states these defaults in words, so the parser must not print them as None.
    optional = (
        "learning_rate",
        "weight_decay",
        "cache",
        "metrics",
        "other_xrays",
        "not_xrays",
        "align",
        "sensitivity_of",
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
    own = given["sensitivity_of"]
    given["sensitivity_of"] = dict(own) if own else None
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
        "--sensitivity-of",
        type=share_of,
        action="append",
        metavar="SOURCE=SHARE",
        default=argparse.SUPPRESS,
        help="another share for the X-rays of one source; the threshold reaches all of them, so it "
        "is the lowest that one asks for. May be repeated",
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
