"""Report on an artifact: what it does on every available data set, in figures and plots.

    python -m model.evaluation.report --artifact model/artifact --data ../shared/data/kermany224 \
        --out var/evaluation

runs the artifact in float32, the reference of every precision, and writes report.json,
evaluation.png, auc.png and training.png; `python -m model.evaluation.card` copies them into the
artifact and writes the model card. gallery/ holds the worst errors, which are images of patients
and are never committed. Takes about 13,000 inferences, ten minutes on two cores. Sets next to the
data folder (adults_more, nih_adults, older_children, nih_unlabelled, kermany_originals) are
measured where they exist. Exits with 1 when the figures of the official test differ from those in
the artifact.
"""

import argparse
import datetime
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluation import plots
from model.evaluation.baselines import measure_baselines
from model.evaluation.bootstrap import RESAMPLES
from model.evaluation.drawing import draw_figures
from model.evaluation.evaluate import evaluate
from model.evaluation.external import (
    measure_adults,
    measure_sizes,
    measure_unlabelled,
    predict_files,
    predict_xrays,
)
from model.evaluation.peaks import measure_peaks
from model.evaluation.report_file import (
    External,
    OfficialTest,
    Report,
    SplitCounts,
    write_report_file,
)
from model.evaluation.robustness import CHANGES, compare_predictions
from model.evaluation.scores import BandScores, Predictions, score_band, score_subgroups
from model.evaluation.sets import (
    ADULTS_MORE,
    NIH_ADULTS,
    OLDER_CHILDREN,
    list_adults,
    list_held_out,
    list_splits,
)
from model.evaluation.sources import SourceScores, score_sources
from model.reading import dataset as data
from model.reading.xray import read_xray
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from model.serving.predictor import Predictor

GALLERY_IMAGES = 12
"""Errors of each kind in the gallery."""


def write_report(
    predictor: Predictor, folder: Path, out: Path, resamples: int = RESAMPLES
) -> Report:
    """Measure everything; write report.json, the plots and the gallery to `out`."""
    artifact = predictor.artifact
    out.mkdir(parents=True, exist_ok=True)
    predictions, xrays = predict_xrays(predictor, data.list_xrays(folder / "test"))
    originals = folder.parent / "kermany_originals"
    report = Report(
        version=artifact.version,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        resamples=resamples,
        splits=count_splits(artifact, folder, xrays),
        test=measure_test(predictor, xrays, predictions, resamples),
        uncertain=measure_uncertain(predictor, folder, predictions, resamples),
        baselines=measure_baselines(folder, originals, resamples),
        external=measure_external(predictor, folder, resamples),
        sizes=measure_sizes(predictor, originals, folder / "train"),
        heatmap=measure_peaks(predictor, [xray.path for xray in xrays], predictions.labels),
    )
    write_report_file(report, out)
    draw_figures(artifact, report, out)
    write_gallery(predictor, xrays, predictions, out / "gallery")
    return report


def measure_test(
    predictor: Predictor,
    xrays: Sequence[data.LabelledXray],
    predictions: Predictions,
    resamples: int,
) -> OfficialTest:
    """Evaluate the labelled test X-rays, by cause and under mild changes too."""
    threshold = predictor.artifact.threshold
    seed = predictor.artifact.training["arguments"]["seed"]
    paths = [xray.path for xray in xrays]
    causes = {
        name: np.array([patient.startswith(f"{name}-") for patient in predictions.patients])
        for name in ("bacteria", "virus")
    }
    groups = {name: mask for name, mask in causes.items() if mask.any()}
    draws = predictions.draw(seed, resamples)
    return OfficialTest(
        **vars(evaluate(predictions, threshold, seed, resamples)),
        subgroups=score_subgroups(predictions, threshold, groups, seed, resamples),
        robustness={
            name: compare_predictions(
                predictions, predict_files(predictor, paths, change), threshold, draws
            )
            for name, change in CHANGES.items()
        },
    )


def measure_external(predictor: Predictor, folder: Path, resamples: int) -> External:
    """Measure the sets next to the `folder` of the data, where they are there."""
    artifact = predictor.artifact
    seed = artifact.training["arguments"]["seed"]
    adults_more, adults, older_children, unlabelled = (
        folder.parent / name
        for name in (ADULTS_MORE, NIH_ADULTS, OLDER_CHILDREN, "nih_unlabelled/images")
    )

    def score(xrays: list[data.LabelledXray]) -> dict[str, SourceScores]:
        predictions, kept = predict_xrays(predictor, xrays)
        return score_sources(predictions, kept, artifact.threshold, seed, resamples)

    return External(
        held_out=score(list_held_out(artifact, folder)) if adults_more.is_dir() else None,
        adults=measure_adults(predictor, adults, resamples) if adults.is_dir() else None,
        older_children=next(iter(score(list_adults(older_children)).values()))
        if older_children.is_dir()
        else None,
        unlabelled=measure_unlabelled(predictor, sorted(unlabelled.glob("*")))
        if unlabelled.is_dir()
        else None,
    )


def measure_uncertain(
    predictor: Predictor, folder: Path, tested: Predictions, resamples: int
) -> dict[str, BandScores] | None:
    """How often each split is uncertain, and right outside the band; None without a band."""
    artifact = predictor.artifact
    if artifact.uncertain is None:
        return None
    validated, _ = predict_xrays(predictor, list_splits(artifact, folder)["validation"])
    seed = artifact.training["arguments"]["seed"]
    return {
        name: score_band(predictions, artifact.uncertain, seed, resamples)
        for name, predictions in (("validation", validated), ("official test", tested))
    }


def count_splits(
    artifact: Artifact, folder: Path, test: Sequence[data.LabelledXray]
) -> dict[str, SplitCounts]:
    """Images, patients and pneumonias of each split, as the training run made it.

    Of a split with several sources also those of each.
    """
    splits = {**list_splits(artifact, folder), "test": list(test)}
    for name, xrays in list(splits.items()):
        sources = sorted({xray.source for xray in xrays})
        for source in sources if len(sources) > 1 else ():
            splits[f"{name}: {source}"] = [xray for xray in xrays if xray.source == source]
    return {
        name: SplitCounts(
            images=len(xrays),
            patients=len({xray.person for xray in xrays}),
            pneumonias=sum(xray.label for xray in xrays),
        )
        for name, xrays in splits.items()
    }


def write_gallery(
    predictor: Predictor,
    xrays: Sequence[data.LabelledXray],
    predictions: Predictions,
    folder: Path,
) -> None:
    """Draw the missed pneumonias and the false alarms, the most confident errors first."""
    folder.mkdir(parents=True, exist_ok=True)
    labels, probabilities = predictions.labels, predictions.probabilities
    called = probabilities >= predictor.artifact.threshold
    for name, wrong, order in (
        ("missed", (labels == 1) & ~called, probabilities),
        ("false_alarms", (labels == 0) & called, -probabilities),
    ):
        images = []
        worst = sorted(np.flatnonzero(wrong).tolist(), key=order.__getitem__)[:GALLERY_IMAGES]
        for index in worst:
            xray = read_xray(xrays[index].path.read_bytes())
            heatmap = predictor.predict(xray).heatmap
            title = f"{xrays[index].patient}: {probabilities[index]:.3f}"
            images.append(plots.GalleryImage(xray.pixels, heatmap, title))
        plots.plot_gallery(images, folder / f"{name}.png")


def check_report(artifact: Artifact, report: Report) -> list[str]:
    """The names of the official test's figures that differ from those in `pneumonia.json`."""
    return compare_scores(artifact.scores["test"], asdict(report.test.scores))


def compare_scores(stored: Any, measured: Any, name: str = "") -> list[str]:
    """The names of figures that differ; counts must be equal, the others within 0.0002.

    That is two units of the last decimal stored: logits of two runtimes differ by 1e-5.
    """
    if isinstance(stored, Mapping):
        return [
            found
            for key in stored
            for found in compare_scores(stored[key], measured[key], f"{name} {key}")
        ]
    exact = isinstance(stored, int)
    same = stored == measured if exact else np.allclose(stored, measured, rtol=0, atol=2e-4)
    return [] if same else [name.strip()]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report; missing inputs and figures that differ are printed as one line."""
    parser = argparse.ArgumentParser(description="Measure an artifact on every available set.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument("--out", type=Path, default=Path("var/evaluation"))
    arguments = parser.parse_args(argv)
    try:
        predictor = Predictor(arguments.artifact, arguments.serving, precision="float32")
        report = write_report(predictor, arguments.data, arguments.out)
    except (ArtifactError, data.DataError) as error:
        print(error, file=sys.stderr)
        return 1
    different = check_report(read_artifact(arguments.artifact), report)
    if different:
        print(f"Differs from pneumonia.json: {', '.join(different)}.", file=sys.stderr)
        return 1
    print(f"The report is in {arguments.out}; all figures agree with pneumonia.json.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
