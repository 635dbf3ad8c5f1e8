"""Fit the probe that detects wrongly hung films, and print its rates on held-out films.

    python -m model.training.fit_upright --data ../shared/data

Fits on kermany224/train and on half of adults_more, writes model/reading/upright.npz, and prints
for each held-out set how many films get a warning, unchanged (false alarms) and after each change.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from model.reading.upright import CLASSES, FILE, shrink, standardise
from model.reading.upright import classify as classify_films
from model.reading.xray import UnreadableXray, read_xray
from model.serving.density import is_in_fitting_half

CHANGES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "as it is": ("right", lambda films: films),
    "mirrored": ("mirrored", lambda films: films[:, :, ::-1]),
    "by 180 degrees": ("turned", lambda films: films[:, ::-1, ::-1]),
    "upside down": ("turned", lambda films: films[:, ::-1]),
    "to the left": ("turned", lambda films: films.transpose(0, 2, 1)[:, ::-1]),
    "to the right": ("turned", lambda films: films.transpose(0, 2, 1)[:, :, ::-1]),
    "negative": ("negative", lambda films: 255 - films),
}


def main() -> None:
    """Fit, write and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder of the image sets")
    data = parser.parse_args().data
    children = _read(sorted((data / "kermany224" / "train").glob("*/*")))
    adults = sorted((data / "adults_more" / "images").iterdir())
    fitting = [path for path in adults if is_in_fitting_half(path.name.partition("_")[0])]
    _fit([children, _read(fitting)])
    held_out = {
        "kermany224/test": sorted((data / "kermany224" / "test").glob("*/*")),
        "adults_more, other half": [path for path in adults if path not in set(fitting)],
        "nih_adults": sorted((data / "nih_adults" / "images").iterdir()),
        "older_children": sorted((data / "older_children" / "images").iterdir()),
        "nih_unlabelled": sorted((data / "nih_unlabelled" / "images").iterdir()),
    }
    for name, paths in held_out.items():
        films = _read(paths)
        for change, (_, apply) in CHANGES.items():
            found = [classify_films(film) for film in apply(films)]
            counts = {word: found.count(word) for word in CLASSES[1:]}
            print(f"{name}, {len(films)} films {change}: {counts}")


def _read(paths: list[Path]) -> np.ndarray:
    """(N, 16, 16): the films that can be read, shrunk."""
    films = []
    for path in paths:
        try:
            films.append(shrink(read_xray(path.read_bytes()).pixels))
        except UnreadableXray:
            continue
    return np.stack(films)


def _fit(groups: list[np.ndarray]) -> None:
    """Fit and write; all groups have the same weight, and so have all changes of a film."""
    inputs, labels, weights = [], [], []
    for label, apply in CHANGES.values():
        for films in groups:
            inputs.append(standardise(apply(films)))
            labels.append(np.full(len(films), CLASSES.index(label)))
            weights.append(np.full(len(films), 1000 / len(films)))
    probe = LogisticRegression(C=0.01, max_iter=500)
    probe.fit(np.concatenate(inputs), np.concatenate(labels), np.concatenate(weights))
    np.savez(
        FILE, weights=probe.coef_.astype(np.float32), offsets=probe.intercept_.astype(np.float32)
    )


if __name__ == "__main__":
    main()
