"""Compare the precisions in which this machine can run an artifact, on every available set.

    python -m model.evaluation.precisions --artifact model/artifact --data ../shared/data/kermany224

runs each precision next to float32 and writes precisions.json into the artifact, which `python -m
model.evaluation.card` adds to the model card. Takes some 5,000 X-rays, minutes on two cores. Sets
next to the data folder are compared where they exist. Exits with 1 on a processor that has no other
precision than float32, and when a decision, finding, refusal or warning differs.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import openvino
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from model.evaluation.precisions_file import Agreement, PrecisionReport, write_precisions_file
from model.reading import dataset as data
from model.reading.xray import UnreadableXray, model_input, read_xray
from model.serving.artifact import ArtifactError
from model.serving.core import get_core
from model.serving.golden import Output
from model.serving.precision import Precision, list_supported
from model.serving.predictor import Prediction, Predictor, conclude

UNLABELLED = -1

Answer = TypeVar("Answer", Output, Prediction)


@dataclass(frozen=True)
class Sample:
    """An image file, with its label: 0, 1 or UNLABELLED."""

    path: Path
    label: int


def find_sets(folder: Path, share: float, seed: int) -> dict[str, list[Sample]]:
    """The images of every available set, by the name of the set."""
    _, validation = data.split_by_patient(data.list_xrays(folder / "train"), share, seed)
    test = data.list_xrays(folder / "test")
    sets = {
        "validation": [Sample(xray.path, xray.label) for xray in validation],
        "official test": [Sample(xray.path, xray.label) for xray in test],
    }
    all_data = folder.parent
    opacity = {"Lung Opacity": 1, "Normal": 0}
    found = {
        "NIH adults": _list_labelled(
            all_data / "nih_adults", lambda row: opacity.get(row["rsna_class"], UNLABELLED)
        ),
        "more NIH adults": _list_files(all_data / "nih_unlabelled"),
        "adults of three other collections": _list_files(all_data / "adults_more"),
        "older children": _list_files(all_data / "older_children"),
        "no frontal chest X-rays": _list_files(all_data / "ood_dev"),
    }
    return sets | {name: samples for name, samples in found.items() if samples}


def _list_labelled(folder: Path, label: Callable[[dict[str, str]], int]) -> list[Sample]:
    file = folder / "labels.csv"
    if not file.is_file():
        return []
    with file.open(newline="") as opened:
        return [
            Sample(folder / "images" / row["file"], label(row)) for row in csv.DictReader(opened)
        ]


def _list_files(folder: Path) -> list[Sample]:
    return [
        Sample(path, UNLABELLED)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".csv"
    ]


def compare(reference: Predictor, other: Predictor, samples: Sequence[Sample]) -> Agreement:
    """How far `other` is from `reference`, which runs in float32. Skips unreadable files."""
    artifact = reference.artifact
    labels, exact, alone, served = [], [], [], []
    for sample in tqdm(samples, unit="image", disable=None):
        try:
            xray = read_xray(sample.path.read_bytes())
        except UnreadableXray:
            continue
        image = model_input(xray, artifact.input_side)
        labels.append(sample.label)
        exact.append(reference.infer(image))
        alone.append(other.infer(image))
        served.append(other.confirm(image))
    answers, alone_answers, served_answers = (
        [conclude(artifact, output) for output in outputs] for outputs in (exact, alone, served)
    )
    flipped = [
        abs(wanted.probability - artifact.threshold)
        for wanted, given in zip(answers, alone_answers, strict=True)
        if wanted.decision != given.decision
    ]
    return Agreement(
        images=len(exact),
        computed_again=sum(output.precision != other.precision for output in served),
        differ=_count_differences(answers, served_answers),
        differ_alone=_count_differences(answers, alone_answers),
        furthest=round(max(flipped, default=0.0), 4),
        logit=_largest(exact, alone, lambda output: output.logit),
        probability=_largest(answers, served_answers, lambda answer: answer.probability),
        ood=_largest(answers, served_answers, lambda answer: answer.ood),
        heatmap=_largest(answers, served_answers, lambda answer: answer.heatmap),
        auc_float32=_measure_auc(labels, exact),
        auc=_measure_auc(labels, served),
    )


def _count_differences(wanted: Sequence[Prediction], given: Sequence[Prediction]) -> int:
    """Answers with another decision, finding, refusal or warning; a refused X-ray has neither of
    the first two."""

    def conclusion(answer: Prediction) -> tuple[str | None, ...]:
        shown = (None, None) if answer.refusal else (answer.decision, answer.finding)
        return answer.refusal, answer.warning, *shown

    return sum(conclusion(one) != conclusion(two) for one, two in zip(wanted, given, strict=True))


def _largest(
    wanted: Sequence[Answer], given: Sequence[Answer], figure: Callable[[Answer], ArrayLike]
) -> float:
    differences = (
        np.abs(np.subtract(figure(one), figure(two))).max()
        for one, two in zip(wanted, given, strict=True)
    )
    return round(float(max(differences)), 4)


def _measure_auc(labels: Sequence[int], outputs: Sequence[Output]) -> float | None:
    """AUC of the labelled images; None without both classes."""
    known = [
        (label, output.logit)
        for label, output in zip(labels, outputs, strict=True)
        if label != UNLABELLED
    ]
    if len({label for label, _ in known}) < 2:
        return None
    truth, logits = zip(*known, strict=True)
    return round(float(roc_auc_score(truth, logits)), 4)


def write_precisions(artifact_folder: Path, serving: Path, folder: Path) -> PrecisionReport:
    """Compare every precision of this processor; write precisions.json into the artifact.

    Raises ArtifactError, also when there is none but float32.
    """
    others: list[Precision] = [name for name in list_supported() if name != "float32"]
    if not others:
        raise ArtifactError("This processor computes in float32 only; nothing can be compared.")
    reference = Predictor(artifact_folder, serving, precision="float32")
    artifact = reference.artifact
    arguments = artifact.training["arguments"]
    sets = find_sets(folder, arguments["validation_share"], arguments["seed"])
    found: dict[str, dict[str, Agreement]] = {}
    for precision in others:
        other = Predictor(artifact_folder, serving, precision=precision)
        found[precision] = {
            name: compare(reference, other, samples) for name, samples in sets.items()
        }
    report = PrecisionReport(
        version=artifact.version,
        processor=get_core().get_property("CPU", "FULL_DEVICE_NAME"),
        openvino=openvino.get_version().partition("-")[0],
        precisions=found,
    )
    write_precisions_file(report, artifact_folder)
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and write; differences are printed as one line for each set."""
    parser = argparse.ArgumentParser(description="Compare the precisions of an artifact.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    arguments = parser.parse_args(argv)
    try:
        report = write_precisions(arguments.artifact, arguments.serving, arguments.data)
    except (ArtifactError, data.DataError) as error:
        print(error, file=sys.stderr)
        return 1
    differ = 0
    for precision, sets in report.precisions.items():
        for name, agreement in sets.items():
            print(precision, name, agreement)
            differ += agreement.differ
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
