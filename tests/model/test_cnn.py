"""`model.cnn`: the real training run on a few small images."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from model.cnn import main
from model.evaluation.calibration import sigmoid
from model.network.gradcam import build_serving_network
from model.network.graph import load_network
from model.serving.artifact import WEIGHTS_NAME, read_artifact
from model.serving.density import read_density
from model.serving.precision import list_supported
from model.training.splits import read_splits
from tests.model.conftest import SIDE
from tests.scrape import find_value, read_value


def run(data: Path, weights: Path | str, out: Path, *more: object) -> int:
    """One epoch at 64 px, in four steps."""
    arguments = ["--data", data, "--weights", weights, "--out", out, "--side", SIDE]
    arguments += [
        "--epochs",
        1,
        "--head-epochs",
        2,
        "--batch",
        2,
        "--dense",
        8,
        "--validation-share",
        0.25,
        *more,
    ]
    return main([str(argument) for argument in arguments])


def leave_earlier_run(out: Path) -> None:
    """Leave a report of another version, damaged ablations, and the state of a killed head."""
    (out / "head" / "resume").mkdir(parents=True)
    (out / "head" / "resume" / "state.json").write_text('{"epoch": 1, "weights": "gone.h5"}')
    (out / "report.json").write_text('{"version": "another"}')
    (out / "ablations.json").write_text("{")
    (out / "auc.png").write_bytes(b"of another")


@pytest.mark.parametrize("more", [[], ["--cache-features", "--views", 2, "--network", "dag"]])
def test_one_epoch_writes_a_complete_artifact(
    made_data: Path,
    made_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[object],
) -> None:
    """Eight images, one epoch: weights, figures with intervals, plots, card, logs. It
    prints the trained layers; a stage with incomplete weights is trained as a whole."""
    out, metrics = tmp_path / "out", tmp_path / "metrics" / "training.prom"
    leave_earlier_run(out)
    assert run(made_data, made_weights, out, "--metrics", metrics, *more) == 0
    artifact = read_artifact(out)
    assert artifact.training["images"] == {"train": 6, "validation": 2}
    assert artifact.input_side == SIDE
    assert "cores" in artifact.training["hardware"] or " x " in artifact.training["hardware"]
    assert artifact.training["trained_at"] in (out / "MODEL_CARD.md").read_text()
    assert artifact.scores["test"]["images"] == 4
    assert len(artifact.scores["test"]["auc_roc"]) == 3
    assert 0 < artifact.threshold < 1
    for name in ("training.png", "evaluation.png", "MODEL_CARD.md"):
        assert (out / name).stat().st_size > 1000
    assert artifact.version in (out / "MODEL_CARD.md").read_text()
    assert list(out.glob("logs/train/events*"))
    assert not (out / "resume").exists()
    gauges = metrics.read_text()
    auc = artifact.scores["test"]["auc_roc"][0]
    assert read_value(gauges, "pneumonia_training_auc", split="test") == auc
    assert 0 <= read_value(gauges, "pneumonia_training_auc", split="validation") <= 1
    assert read_value(gauges, "pneumonia_training_running") == 0
    started = read_value(gauges, "pneumonia_training_started_timestamp_seconds")
    ended = read_value(gauges, "pneumonia_training_last_success_timestamp_seconds")
    duration = read_value(gauges, "pneumonia_training_duration_seconds")
    assert ended - started == pytest.approx(duration, abs=0.1)
    assert read_value(gauges, "pneumonia_training_images_per_second") > 0
    assert "metrics" not in artifact.training["arguments"]
    with (out / "training.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {"accuracy", "precision", "recall", "f1", "auc_roc", "auc_pr", "loss"}
    assert len(rows) == 1
    assert rows[0].keys() == {"epoch"} | names | {f"val_{name}" for name in names}
    printed = capsys.readouterr().out
    # The report of an earlier artifact was deleted with a message.
    assert f"{out / 'report.json'} is of an earlier artifact" in printed
    assert not any((out / name).exists() for name in ("report.json", "ablations.json", "auc.png"))
    assert "Not measured" in (out / "MODEL_CARD.md").read_text()
    fresh = printed.split("Not loaded, so trained from random values: ")[1].split(".\n")[0]
    assert all(name.startswith("conv5_block2") for name in fresh.split(", "))
    assert artifact.training["trained_layers"][0] == "conv5_block1_1_conv"
    assert "conv5_block1_1_conv" in printed

    # The saved network gives the recorded scores on the test images as served.
    serving = build_serving_network(load_network(out / WEIGHTS_NAME), read_density(out))
    images = read_splits([made_data], 0.25, 20, SIDE).test.images.astype(np.float32)
    answers = serving.predict(images, verbose=0)
    assert answers["heatmap"].shape == (4, SIDE // 16, SIDE // 16)
    calibration = artifact.calibration
    logits = calibration.scale * answers["logit"][:, 0] + calibration.offset
    called = int((sigmoid(logits) >= artifact.threshold).sum())
    confusion = artifact.scores["test"]["confusion"]
    assert called == confusion["true_positive"] + confusion["false_positive"]


def break_folder(kind: str, folder: Path) -> None:
    """Make a data folder that cannot be trained on."""
    if kind == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    elif kind == "one class":
        shutil.rmtree(folder / "train" / "NORMAL")
    elif kind == "unreadable class":
        for file in (folder / "train" / "NORMAL").iterdir():
            file.write_bytes(f"no image {file.name}".encode())
    elif kind == "one patient":
        for file in sorted((folder / "train" / "NORMAL").iterdir())[1:]:
            file.unlink()
    elif kind == "patient on both sides":
        file = next((folder / "train" / "PNEUMONIA").iterdir())
        shutil.copy(file, folder / "test" / "PNEUMONIA" / file.name.replace("_1", "_2"))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("empty", "No normal X-rays found in"),
        ("one class", "No normal X-rays found in"),
        ("unreadable class", "None of the normal X-rays could be read."),
        ("one patient", "No source has normal X-rays of two patients to train on"),
        ("patient on both sides", "1 patients are in both train and test, such as virus-"),
    ],
)
def test_folder_that_cannot_be_used_is_reported_in_one_line(
    made_data: Path,
    made_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    sentence: str,
) -> None:
    """One line and an exit status before any training, not a traceback."""
    folder = shutil.copytree(made_data, tmp_path / "broken")
    break_folder(kind, folder)
    assert run(folder, made_weights, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith(sentence)
    assert error.count("\n") == 1


def test_unreadable_files_are_listed_and_skipped(
    made_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged file and a link to nowhere are named; the rest is used."""
    folder = shutil.copytree(made_data, tmp_path / "data")
    (folder / "test" / "NORMAL" / "IM-0090-0001.jpeg").write_bytes(b"no image")
    broken = sorted((folder / "test" / "PNEUMONIA").iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:200])
    test = read_splits([folder], 0.25, 20, SIDE).test
    assert len(test.xrays) == 3
    printed = capsys.readouterr().out
    assert "skipped, not readable: " in printed
    assert "IM-0090-0001.jpeg" in printed
    assert broken.name in printed


def test_run_that_fails_leaves_the_last_success_as_it_was(made_data: Path, tmp_path: Path) -> None:
    """The gauges have its start and its end."""
    file = tmp_path / "training.prom"
    file.write_text(
        "# TYPE pneumonia_training_last_success_timestamp_seconds gauge\n"
        "pneumonia_training_last_success_timestamp_seconds 5\n"
    )
    assert run(made_data, tmp_path / "missing.npz", tmp_path / "out", "--metrics", file) == 2
    gauges = file.read_text()
    assert read_value(gauges, "pneumonia_training_last_success_timestamp_seconds") == 5
    assert read_value(gauges, "pneumonia_training_started_timestamp_seconds") > 5
    assert read_value(gauges, "pneumonia_training_running") == 0
    assert find_value(gauges, "pneumonia_training_duration_seconds") is None


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [("missing.npz", "cannot be used: "), ("text.npz", "cannot be used: "), ("other.npz", "hold")],
)
def test_weights_that_cannot_be_used_are_reported_in_one_line(
    made_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    weights: str,
    sentence: str,
) -> None:
    """A missing file, one that is no .npz, one without a layer of ResNet50."""
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    assert run(made_data, tmp_path / weights, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"The weights {tmp_path / weights} {sentence}")
    assert error.count("\n") == 1


def test_download_that_fails_is_reported_in_one_line(made_data: Path, tmp_path: Path) -> None:
    """On a machine without a connection, the sentence names the alternative."""
    environment = {
        **os.environ,
        "KERAS_HOME": str(tmp_path / "keras"),  # nothing was downloaded before
        "https_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "model.cnn", "--data", str(made_data), "--side", str(SIDE)]
    command += ["--out", str(tmp_path / "out")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("The ImageNet weights cannot be downloaded; ")
    assert "Traceback" not in ended.stderr


def test_run_in_mixed_precision_writes_an_artifact_in_float32(
    made_data: Path,
    made_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a GPU or a processor with bfloat16; elsewhere one line says what is missing."""
    more = ["--mixed-precision", "--cache-features", "--views", 2]
    ended = run(made_data, made_weights, tmp_path, *more)
    assert keras.mixed_precision.global_policy().name == "float32"
    if not tf.config.list_physical_devices("GPU") and "bfloat16" not in list_supported():
        assert ended == 2
        assert "--mixed-precision needs a GPU, or" in capsys.readouterr().err
        return
    assert ended == 0
    network = load_network(tmp_path / WEIGHTS_NAME)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert read_artifact(tmp_path).training["arguments"]["mixed_precision"]


def test_run_with_other_arguments_does_not_resume_a_killed_one(
    made_data: Path, made_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The leftovers of a killed run are not mixed into another one."""
    (tmp_path / "resume").mkdir()
    (tmp_path / "resume" / "run.json").write_text('{"arguments": "others"}')
    assert run(made_data, made_weights, tmp_path) == 2
    assert "A run with other arguments" in capsys.readouterr().err


def write_adults(folder: Path, normals: int, pneumonias: int) -> Path:
    """Another source: X-rays of adults with their labels in a CSV file."""
    folder.mkdir()
    random = np.random.default_rng(1)
    rows = ["file,label,patient,age"]
    for number, label in enumerate(["normal"] * normals + ["pneumonia"] * pneumonias):
        patches = Image.fromarray(random.integers(0, 255, (8, 8), np.uint8))
        patches.resize((100, 128)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{label},{number},54")
    rows.append("none.png,tuberculosis,99,54")
    (folder / "adults.csv").write_text("\n".join(rows) + "\n")
    return folder / "adults.csv"


def test_second_folder_is_refused(
    made_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two folders of one layout would give two children the same number."""
    assert run(made_data, "none", tmp_path / "out", "--data", made_data) == 2
    assert "--data names two folders" in capsys.readouterr().err


def test_help_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Every option has a sentence; those with a default name it."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--weights", "--trainable-layers", "--cache-features", "--strategy"):
        assert option in printed
    assert "(default: 15)" in " ".join(printed.split())
    assert "None" not in printed
