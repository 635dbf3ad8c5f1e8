"""How well the uncertain band keeps its promise: coverage, share and the figures on the rest.

    python -m model.evaluation.coverage --data ../shared/data/kermany224

measures, for the band of the artifact and for bands that split conformal prediction would choose
(`model.evaluation.conformal`), how many films of each class are called wrongly outside the band,
how many are uncertain, and how good the decisions on the others are, for each split, source and
age. Writes coverage.json beside the artifact. About 1,800 inferences in float32, two minutes on two
cores. With --external it also reads nih_adults and older_children, which choose nothing and are
read once for each candidate.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from model.evaluation import sets
from model.evaluation.bootstrap import RESAMPLES, Estimate, Metric, estimate, summarise
from model.evaluation.conformal import choose_band, find_promise
from model.evaluation.coverage_file import (
    BandCoverage,
    ConformalBand,
    CoverageReport,
    HalfCoverage,
    write_coverage_file,
)
from model.evaluation.external import Group, predict_xrays
from model.evaluation.scores import Predictions
from model.evaluation.sources import name_age
from model.reading.dataset import DataError, LabelledXray
from model.serving.artifact import Artifact, ArtifactError
from model.serving.finding import UncertainBand
from model.serving.predictor import Predictor

ERRORS = (0.01, 0.02, 0.05, 0.1)
HALVES = 200
"""Random halves of the validation patients; each is a calibration set and the other its test."""


def measure_coverage(
    predictor: Predictor, folder: Path, *, external: bool, resamples: int = RESAMPLES
) -> CoverageReport:
    """Measure it on the held-out X-rays, the official test and, if `external`, the other sets.

    `folder` has the children's train/ and test/. Raises DataError.
    """
    artifact = predictor.artifact
    held_out = sets.list_held_out(artifact, folder)
    trained_on = sets.list_training_sources(artifact)
    validation = [xray for xray in held_out if xray.source in trained_on]
    others = [xray for xray in held_out if xray.source not in trained_on]
    groups = {
        "validation": validation,
        **split_by_source("held out, of other sources", others),
        "official test": sets.list_kermany(folder, "test"),
    }
    if external:
        groups |= {
            name: read(folder.parent / name)
            for name, read in (
                (sets.NIH_ADULTS, sets.list_nih_adults),
                (sets.OLDER_CHILDREN, sets.list_adults),
            )
            if (folder.parent / name).is_dir()
        }
    predicted = {name: predict_xrays(predictor, xrays) for name, xrays in groups.items() if xrays}
    return assemble(artifact, predicted, resamples)


def split_by_source(name: str, xrays: Sequence[LabelledXray]) -> dict[str, list[LabelledXray]]:
    """The X-rays of each source, by a name that has the source's."""
    found: dict[str, list[LabelledXray]] = {}
    for xray in xrays:
        found.setdefault(f"{name}: {xray.source}", []).append(xray)
    return found


def assemble(artifact: Artifact, predicted: Mapping[str, Group], resamples: int) -> CoverageReport:
    """All figures, of predictions by split; "validation" is the split that bands are chosen on."""
    seed = artifact.training["arguments"]["seed"]
    validation, _ = predicted["validation"]
    groups = {name: group for name, (group, _) in predicted.items()}
    for name, (predictions, xrays) in predicted.items():
        groups |= _split_by_age(name, predictions, xrays)
    stored = artifact.uncertain
    bands = [
        (error, band)
        for error in ERRORS
        if (band := choose_band(validation, error, artifact.threshold)) is not None
    ]

    def measure(band: UncertainBand) -> dict[str, BandCoverage]:
        return {name: cover(group, band, seed, resamples) for name, group in groups.items()}

    return CoverageReport(
        version=artifact.version,
        resamples=resamples,
        patients={
            name: len(set(np.asarray(validation.patients)[validation.labels == label].tolist()))
            for label, name in enumerate(artifact.classes)
        },
        stored=measure(stored) if stored else None,
        promise=find_promise(validation, stored) if stored else None,
        conformal=[
            ConformalBand(error, round(band.low, 4), round(band.high, 4), measure(band))
            for error, band in bands
        ],
        halves=[
            half
            for error in ERRORS
            if (half := measure_halves(validation, error, artifact.threshold, seed))
        ],
    )


def _split_by_age(
    name: str, predictions: Predictions, xrays: Sequence[LabelledXray]
) -> dict[str, Predictions]:
    """The predictions of each group of ages, where a split has more than one."""
    ages = np.array([name_age(xray.age) for xray in xrays])
    found = np.unique(ages).tolist()
    if len(found) < 2:
        return {}
    return {f"{name}, {age}": predictions.select(np.flatnonzero(ages == age)) for age in found}


def cover(
    predictions: Predictions, band: UncertainBand, seed: int, resamples: int = RESAMPLES
) -> BandCoverage:
    """The figures of one group for one band; what a missing class leaves undefined is None."""
    labels, probabilities = predictions.labels, predictions.probabilities
    likely, below = probabilities >= band.high, probabilities < band.low
    sure = likely | below
    ill, others = labels == 1, labels == 0
    metrics: dict[str, Metric] = {
        "missed": lambda i: _share(below[i], ill[i]),
        "alarmed": lambda i: _share(likely[i], others[i]),
        "share": lambda i: 1 - sure[i].mean(),
        "sensitivity": lambda i: _share(likely[i], ill[i] & sure[i]),
        "specificity": lambda i: _share(below[i], others[i] & sure[i]),
    }
    return BandCoverage(
        images=len(labels),
        patients=len(set(predictions.patients)),
        pneumonias=int(ill.sum()),
        uncertain=int((~sure).sum()),
        **estimate(metrics, len(labels), predictions.draw(seed, resamples)),
    )


def _share(found: np.ndarray, among: np.ndarray) -> float:
    return float(found[among].mean()) if among.any() else float("nan")


def measure_halves(
    validation: Predictions, error: float, threshold: float, seed: int
) -> HalfCoverage | None:
    """Choose the band on one half of the patients and count on the other, HALVES times.

    It shows the rule at work where its condition, patients of one kind, holds. None where half of
    the patients are too few for this error.
    """
    random = np.random.default_rng(seed)
    patients = np.asarray(validation.patients)
    names = {label: np.unique(patients[validation.labels == label]) for label in (0, 1)}
    found: list[tuple[float, float, float]] = []
    for _ in range(HALVES):
        chosen = np.concatenate(
            [random.permutation(group)[: len(group) // 2] for group in names.values()]
        )
        first = np.isin(patients, chosen)
        band = choose_band(validation.select(np.flatnonzero(first)), error, threshold)
        if band is None:
            return None
        rest = validation.select(np.flatnonzero(~first))
        found.append(count_errors(rest, band))
    missed, alarmed, share = (_describe(column) for column in zip(*found, strict=True))
    return HalfCoverage(error, HALVES, missed, alarmed, share)


def count_errors(predictions: Predictions, band: UncertainBand) -> tuple[float, float, float]:
    """Shares of patients' films: ill ones called normal, others called ill, and uncertain ones.

    The films of a patient count as one, as in the promise.
    """
    probabilities, patients = predictions.probabilities, np.asarray(predictions.patients)
    ill = predictions.labels == 1
    likely, below = probabilities >= band.high, probabilities < band.low
    return (
        _mean_by_patient(below[ill], patients[ill]),
        _mean_by_patient(likely[~ill], patients[~ill]),
        _mean_by_patient(~likely & ~below, patients),
    )


def _mean_by_patient(found: np.ndarray, patients: np.ndarray) -> float:
    _, patient = np.unique(patients, return_inverse=True)
    return float((np.bincount(patient, found) / np.bincount(patient)).mean())


def _describe(values: Sequence[float]) -> Estimate:
    """The mean, and the range that holds 95 % of the values."""
    return summarise(float(np.mean(values)), values)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; missing inputs are printed as one line."""
    parser = argparse.ArgumentParser(description="Measure the coverage of the uncertain band.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument(
        "--external", action="store_true", help="read nih_adults and older_children too"
    )
    arguments = parser.parse_args(argv)
    try:
        predictor = Predictor(arguments.artifact, arguments.serving, precision="float32")
        report = measure_coverage(predictor, arguments.data, external=arguments.external)
    except (ArtifactError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    write_coverage_file(report, arguments.artifact)
    return 0


if __name__ == "__main__":
    sys.exit(main())
