"""Add to an artifact the ages that it is for, and the band of probabilities that are uncertain.

    python -m model.evaluation.uncertain --data ../shared/data/kermany224 --ages 1-5

For an artifact that was trained before training runs recorded both. The band is chosen on the
validation X-rays of that run, by the rule of `choose_uncertain`. Takes about 800 inferences in
float32, a minute on two cores. The artifact gets another version: export it again with `python -m
model.network`, and make its report and its card again.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from model.evaluation.calibration import choose_uncertain
from model.evaluation.external import predict_xrays
from model.evaluation.sets import list_splits
from model.reading import dataset as data
from model.reading.ages import AgeBand, age_band
from model.serving.artifact import Artifact, ArtifactError, write_metadata
from model.serving.predictor import Predictor


def add_scope(predictor: Predictor, folder: Path, ages: AgeBand) -> Artifact:
    """The metadata with both; `folder` has the data of the training run. Raises DataError."""
    artifact = predictor.artifact
    validation = list_splits(artifact, folder)["validation"]
    predictions, _ = predict_xrays(predictor, validation)
    band = choose_uncertain(predictions.probabilities, predictions.labels, artifact.threshold)
    return replace(artifact, ages=ages, uncertain=band)


def main(argv: Sequence[str] | None = None) -> int:
    """Choose and write; missing inputs are printed as one line."""
    parser = argparse.ArgumentParser(description="Add ages and the uncertain band to an artifact.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument(
        "--ages",
        type=age_band,
        required=True,
        metavar="YEARS-YEARS",
        help="of the patients that the model was validated on, in completed years",
    )
    arguments = parser.parse_args(argv)
    try:
        predictor = Predictor(arguments.artifact, arguments.serving, precision="float32")
        artifact = add_scope(predictor, arguments.data, arguments.ages)
        write_metadata(arguments.artifact, artifact)
    except (ArtifactError, data.DataError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{artifact.uncertain}, {artifact.ages}: the version is now {artifact.version}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
