"""`model.training.preflight`: the inputs of a run are checked before its first epoch."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.cnn import main
from model.serving.density import is_in_fitting_half
from tests.model.conftest import SIDE

# The patients of two images, one on either side of the fit.
FITTED = next(name for name in map(str, range(99)) if is_in_fitting_half(name))
MEASURED = next(name for name in map(str, range(99)) if not is_in_fitting_half(name))


def make_images(folder: Path, *patients: str) -> Path:
    """One image of each patient."""
    folder.mkdir()
    for patient in patients:
        Image.radial_gradient("L").save(folder / f"{patient}_1.png")
    return folder


def write(path: Path, text: str) -> Path:
    """A file with this text."""
    path.write_text(text)
    return path


def listen(path: Path) -> Path:
    """A socket, which is neither a folder nor a regular file."""
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))
    return path


def make_pipe(path: Path) -> Path:
    """A named pipe, on which opening blocks."""
    os.mkfifo(path)
    return path


CASES: list[tuple[str, Callable[[Path], object], str]] = [
    ("--data", lambda tmp: tmp / "none", "is not a folder"),
    ("--data", lambda tmp: write(tmp / "file", ""), "{} has no column named file or label"),
    ("--data", lambda tmp: make_pipe(tmp / "pipe"), "--data {} is not a folder"),
    ("--data", lambda tmp: write(tmp / "a.csv", "file,label,patient"), "There is no test: "),
    ("--out", lambda tmp: write(tmp / "file", ""), "--out {} is not a folder"),
    ("--out", lambda tmp: write(tmp / "file", "") / "deep", "cannot be written to"),
    ("--out", lambda tmp: Path("/proc/out"), "--out /proc/out cannot be written to"),
    ("--cache", lambda tmp: write(tmp / "file", ""), "--cache {} is not a folder"),
    ("--cache", lambda tmp: Path("/proc/cache"), "--cache /proc/cache cannot be written to"),
    ("--metrics", lambda tmp: tmp, "--metrics {} is a folder"),
    ("--metrics", lambda tmp: Path("/proc/x/y.prom"), "--metrics /proc/x/y.prom cannot be written"),
    ("--weights", lambda tmp: make_pipe(tmp / "pipe"), "The weights {} cannot be used: "),
    ("--other-xrays", lambda tmp: tmp / "none", "--other-xrays {} is not a folder"),
    ("--other-xrays", lambda tmp: listen(tmp / "socket"), "--other-xrays {} is not a folder"),
    ("--other-xrays", lambda tmp: make_images(tmp / "empty"), "holds no image that can be read"),
    ("--other-xrays", lambda tmp: make_images(tmp / "a", FITTED), "images of more patients"),
    ("--other-xrays", lambda tmp: make_images(tmp / "b", MEASURED), "images of more patients"),
    ("--not-xrays", lambda tmp: tmp / "none", "--not-xrays {} is not a folder"),
    ("--not-xrays", lambda tmp: make_images(tmp / "empty"), "holds no image that can be read"),
]


@pytest.mark.parametrize(("option", "make", "sentence"), CASES)
def test_wrong_input_ends_the_run_before_it_begins(
    option: str,
    make: Callable[[Path], object],
    sentence: str,
    made_data: Path,
    made_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit status 2 and one sentence that names the input; nothing is trained."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("training began")

    monkeypatch.setattr("model.cnn.train_heads", never)
    value = make(tmp_path)
    words: dict[str, object] = {
        "--data": made_data,
        "--weights": made_weights,
        "--out": tmp_path / "out",
    }
    words.update({"--side": SIDE, "--dense": 8, option: value})
    assert main([str(word) for pair in words.items() for word in pair]) == 2
    error = capsys.readouterr().err
    assert sentence.replace("{}", str(value)) in error and error.count("\n") == 1, error


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--l2", "nan"),
        ("--l2", "-1"),
        ("--learning-rate", "nan"),
        ("--learning-rate", "0"),
        ("--weight-decay", "inf"),
        ("--seed", str(2**32)),
        ("--consistency", "nan"),
        ("--dropout", "nan"),
        ("--validation-share", "1"),
        ("--batch", "0"),
    ],
)
def test_invalid_number_is_refused(
    option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and the option is named: hours of training would end with NaN."""
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path), "--out", str(tmp_path), f"{option}={value}"])
    assert ended.value.code == 2
    assert option in capsys.readouterr().err.splitlines()[-1]


def test_full_disk_is_reported_before_the_run(
    made_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The weights of two epochs with optimizer state need space in any case."""
    monkeypatch.setattr("model.training.preflight.MIN_FREE_BYTES", 10**18)
    assert main(["--data", str(made_data), "--out", str(tmp_path / "out")]) == 2
    assert "GB are free" in capsys.readouterr().err


def test_weights_that_are_not_finite_are_refused(
    made_data: Path, made_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An infinite kernel would make every output NaN."""
    with np.load(made_weights) as arrays:
        changed = dict(arrays)
    changed["conv1_conv/kernel"] = changed["conv1_conv/kernel"].copy()
    changed["conv1_conv/kernel"][0, 0, 0, 0] = np.inf
    np.savez(tmp_path / "bad.npz", **changed)
    words = ["--data", made_data, "--weights", tmp_path / "bad.npz", "--out", tmp_path / "out"]
    assert main([str(word) for word in (*words, "--side", SIDE, "--dense", 8)]) == 2
    assert "conv1_conv/kernel holds values that are not finite" in capsys.readouterr().err
