"""Check the heat map of an artifact, and write what was found beside it.

    python -m model.training.heatmaps --data ../shared/data/kermany224

writes heatmaps.json, from films that the run did not train on: children of its validation and,
where adults_more is next to the data, adults of it. Deletion and insertion against Grad-CAM++, the
centre and chance (`model.evaluation.faithfulness`), random weights (Adebayo et al. 2018), and the
share of peaks where lungs are (`model.evaluation.lungs`). --films limits the pneumonias of each
source; with 40 it is about 12,000 inferences, some ten minutes on two cores. Needs Keras for the
maps with other weights.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model.evaluation import sets
from model.evaluation.bootstrap import RESAMPLES, Estimate, draw_patients, estimate
from model.evaluation.calibration import calibrate
from model.evaluation.faithfulness import (
    OURS,
    PLUSPLUS,
    correlate,
    draw_curves,
    make_orders,
    score_curves,
)
from model.evaluation.heatmaps_file import (
    GroupChecks,
    HeatmapReport,
    PeakShares,
    write_heatmaps_file,
)
from model.evaluation.lungs import Atlas, make_atlas
from model.network.gradcam import build_map_network
from model.network.graph import load_network
from model.network.randomised import randomise
from model.reading.dataset import DataError, LabelledXray
from model.reading.xray import UnreadableXray, XrayImage, model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME, ArtifactError
from model.serving.predictor import Predictor, place_heatmap

FILMS = 40
"""Pneumonias of each source, one of each patient."""

BATCH = 16


@dataclass(frozen=True)
class Film:
    """A pneumonia that the network finds: its patient, input (side, side, 1) and map (S, S)."""

    patient: str
    image: np.ndarray
    heatmap: np.ndarray


def check_heatmaps(
    predictor: Predictor,
    network: keras.Model,
    folder: Path,
    films: int = FILMS,
    resamples: int = RESAMPLES,
) -> HeatmapReport:
    """All checks. `network` is the artifact's and ends with random weights. Raises DataError."""
    artifact = predictor.artifact
    seed = artifact.training["arguments"]["seed"]
    held_out = sets.list_held_out(artifact, folder)
    found = {
        name: pick_films(predictor, xrays, films, seed)
        for name, xrays in _by_source(held_out, label=1).items()
    }
    found = {name: some for name, some in found.items() if some}
    if not found:
        raise DataError(f"The network finds no pneumonia among the held-out X-rays of {folder}.")
    normals = _by_source(held_out, label=0)
    maps = build_map_network(network)
    groups = {}
    for name, some in found.items():
        plusplus = _predict_maps(maps, some)["plusplus"]
        outlined = (
            name
            if len(normals.get(name, [])) >= films
            else max(normals, key=lambda n: len(normals[n]))
        )
        atlas = make_atlas(xray.pixels for xray in _read(normals[outlined][:films]))
        groups[name] = check_group(
            predictor, some, plusplus, (outlined, atlas), seed=seed, resamples=resamples
        )
    everything = [film for some in found.values() for film in some]
    randomised, other = check_randomised(network, everything, seed, resamples)
    return HeatmapReport(artifact.version, resamples, groups, len(everything), randomised, other)


def _by_source(xrays: Sequence[LabelledXray], label: int) -> dict[str, list[LabelledXray]]:
    found: dict[str, list[LabelledXray]] = {}
    for xray in xrays:
        if xray.label == label:
            found.setdefault(xray.source, []).append(xray)
    return found


def pick_films(
    predictor: Predictor, xrays: Sequence[LabelledXray], films: int, seed: int
) -> list[Film]:
    """Up to `films` pneumonias that the network calls so, of one patient each, drawn by `seed`."""
    order = np.random.default_rng(seed).permutation(len(xrays)).tolist()
    patients: set[str] = set()
    found: list[Film] = []
    for xray in (xrays[index] for index in order):
        if len(found) == films:
            break
        if xray.patient in patients:
            continue
        for read in _read([xray]):
            image = model_input(read, predictor.artifact.input_side)
            output = predictor.infer(image)
            if _probability(predictor, output.logit) >= predictor.artifact.threshold:
                patients.add(xray.patient)
                found.append(Film("/".join(xray.person), image, output.heatmap))
    return found


def _read(xrays: Sequence[LabelledXray]) -> list[XrayImage]:
    """The X-rays that can be read."""
    found = []
    for xray in xrays:
        try:
            found.append(read_xray(xray.path.read_bytes()))
        except UnreadableXray:
            continue
    return found


def _probability(predictor: Predictor, logit: float) -> float:
    return float(calibrate(np.array(logit), predictor.artifact.calibration))


def check_group(
    predictor: Predictor,
    films: Sequence[Film],
    plusplus: np.ndarray,
    outline: tuple[str, Atlas | None],
    *,
    seed: int,
    resamples: int,
) -> GroupChecks:
    """Curves and peaks of the films of one source; `plusplus` are their maps (N, S, S)."""

    def predict(image: np.ndarray) -> float:
        return _probability(predictor, predictor.infer(image).logit)

    curves = [
        draw_curves(predict, film.image, make_orders(film.heatmap, other, seed + number))
        for number, (film, other) in enumerate(zip(films, plusplus, strict=True))
    ]
    patients = [film.patient for film in films]
    outlined, atlas = outline
    return GroupChecks(
        films=len(films),
        patients=len(set(patients)),
        deletion=score_curves([c.deletion for c in curves], patients, -1, seed, resamples),
        insertion=score_curves([c.insertion for c in curves], patients, 1, seed, resamples),
        peaks=PeakShares(
            outlined=outlined,
            outlines=atlas.films,
            without=atlas.skipped,
            by_chance=round(atlas.share_of(find_reach(films)), 4),
            inside={
                name: average(
                    [float(atlas.holds_peak(place_heatmap(heat))) for heat in heats],
                    patients,
                    seed,
                    resamples,
                )
                for name, heats in ((OURS, [f.heatmap for f in films]), (PLUSPLUS, plusplus))
            },
        )
        if atlas
        else None,
    )


def find_reach(films: Sequence[Film]) -> np.ndarray:
    """(16, 16) bool: the cells over the whole film in which any of these maps is above 0."""
    return np.any([place_heatmap(film.heatmap) > 0 for film in films], axis=0)


def check_randomised(
    network: keras.Model, films: Sequence[Film], seed: int, resamples: int
) -> tuple[dict[str, Estimate], Estimate]:
    """Correlations of maps: with those of random weights, by stage, and of two films."""
    maps = build_map_network(network)
    patients = [film.patient for film in films]
    trained = _predict_maps(maps, films)["heatmap"]

    def compare(others: np.ndarray) -> Estimate:
        values = [correlate(one, other) for one, other in zip(trained, others, strict=True)]
        return average(values, patients, seed, resamples)

    found = {
        stage: compare(_predict_maps(maps, films)["heatmap"]) for stage in randomise(network, seed)
    }
    return found, compare(np.roll(trained, 1, axis=0))


def _predict_maps(maps: keras.Model, films: Sequence[Film]) -> dict[str, np.ndarray]:
    """Both maps (N, S, S) of N films."""
    images = np.stack([film.image for film in films]).astype(np.float32)
    batches = [maps(images[at : at + BATCH], training=False) for at in range(0, len(images), BATCH)]
    return {
        name: np.concatenate([keras.ops.convert_to_numpy(batch[name]) for batch in batches])
        for name in ("heatmap", "plusplus")
    }


def average(
    values: Sequence[float], patients: Sequence[str], seed: int, resamples: int
) -> Estimate:
    """The mean of one value a film, with its interval by patient."""
    draws = draw_patients(np.zeros(len(values), int), patients, seed, resamples)
    array = np.asarray(values)
    return estimate({"mean": lambda i: float(array[i].mean())}, len(array), draws)["mean"]


def main(argv: Sequence[str] | None = None) -> int:
    """Check and write; missing inputs are printed as one line."""
    parser = argparse.ArgumentParser(description="Check the heat map of an artifact.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument("--films", type=int, default=FILMS, help="pneumonias of each source")
    arguments = parser.parse_args(argv)
    try:
        predictor = Predictor(arguments.artifact, arguments.serving, precision="float32")
        network = load_network(arguments.artifact / WEIGHTS_NAME)
        report = check_heatmaps(predictor, network, arguments.data, arguments.films)
    except (ArtifactError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    write_heatmaps_file(report, arguments.artifact)
    return 0


if __name__ == "__main__":
    sys.exit(main())
