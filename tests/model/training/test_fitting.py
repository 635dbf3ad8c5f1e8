"""`model.training.fitting` and `resume`: losses, optimizers, the best epoch, resuming."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from model.training.batches import Batches, plain_images
from model.training.command_line import parse_settings
from model.training.consistency import PairedViews, ViewVariance
from model.training.fitting import (
    balance_classes,
    balance_sources,
    compile_network,
    fit,
    make_metrics,
)
from model.training.fitting_options import RATES
from model.training.resume import RunError, open_run
from model.training.settings import RunSettings

LABELS = np.array([0, 1] * 8)


class Killed(BaseException):
    """Simulates the end of the process: no other code catches it."""


def make_model() -> keras.Model:
    """A dense network with batch normalisation, the same for the same seed."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            layers.Flatten(),
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def make_batches(kill_in_epoch: int | None = None) -> tuple[Batches, Batches]:
    """Sixteen pictures of two by two pixels, four to a step."""
    random = np.random.default_rng(0)
    pictures = random.normal(LABELS[:, None, None, None], 1.0, (16, 2, 2, 1))

    class Raising(Batches):
        """Simulates a kill after an epoch is trained and before it is validated."""

        def on_epoch_end(self) -> None:
            super().on_epoch_end()
            if self._epoch == kill_in_epoch:
                raise Killed

    kind: Any = Batches if kill_in_epoch is None else Raising
    return kind(plain_images(pictures), LABELS, 4, seed=1, pairs=True), Batches(
        plain_images(pictures), LABELS, 4
    )


def make_settings(out: Path, *more: str) -> RunSettings:
    """The settings of a run of four epochs in `out`."""
    (out / "resume").mkdir(parents=True, exist_ok=True)
    return parse_settings(["--data", "x", "--out", str(out), "--epochs", "4", *more])


def test_metrics_equal_those_worked_out_by_hand() -> None:
    """Two of three ill called, one of three healthy called; eight of nine pairs in order."""
    labels = np.array([1, 1, 1, 0, 0, 0], np.float32)[:, None]
    predicted = np.array([0.9, 0.8, 0.4, 0.6, 0.2, 0.1], np.float32)[:, None]
    found = {}
    for metric in make_metrics():
        metric.update_state(labels, predicted)
        found[metric.name] = float(metric.result())
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["auc_roc"] == pytest.approx(8 / 9, abs=0.01)
    # Precision 1 until two thirds are found, then it falls to 3 of 4: Davis and Goadrich 2006.
    assert 0.9 < found["auc_pr"] < 0.95


def test_variance_of_views_equals_that_worked_out_by_hand() -> None:
    """Logits 1 and -1 are 1 from their mean, 2 and 2 are 0; image weights are applied."""
    logits = np.array([1, -1, 2, 2], np.float32)[:, None]
    predicted = 1 / (1 + np.exp(-logits))
    weights = np.array([3, 3, 1, 1], np.float32)
    variance = ViewVariance()
    assert float(variance(predicted, predicted)) == pytest.approx(0.5, rel=1e-4)
    assert float(variance(predicted, predicted, weights)) == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize("consistency", [0.0, 10.0])
def test_consistency_draws_the_answers_to_two_views_together(
    consistency: float, tmp_path: Path
) -> None:
    """A pixel that differs between views is used without the penalty, and hardly with it."""
    random = np.random.default_rng(0)
    marks = np.repeat(LABELS[:, None], 8, axis=1) + random.normal(0, 0.5, (16, 8))

    def read(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        pictures = np.zeros((len(rows), 2, 2, 1), np.float32)
        pictures[:, 0, 0, 0] = marks[rows, numbers % 8]
        return pictures

    batches = Batches(read, LABELS, 8, seed=1, views=8, pairs=True)
    picture = keras.Input((2, 2, 1))
    output = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")
    answer = output(keras.layers.Flatten()(picture))
    model = PairedViews(picture, answer, consistency=consistency)
    settings = make_settings(tmp_path, "--learning-rate", "0.1")
    compile_network(model, 20 * len(batches), settings.hyperparameters)
    model.fit(batches, epochs=20, verbose=0)
    slope = abs(float(output.kernel.numpy()[0, 0]))
    assert slope < 0.2 if consistency else slope > 0.6


def test_class_weights_let_both_classes_count_the_same() -> None:
    """Three ill to one healthy: a healthy image has three times the weight; the mean is 1."""
    normal, ill = balance_classes(np.array([1, 1, 1, 0]))
    assert (normal, ill) == pytest.approx((2.0, 2 / 3))
    batches = Batches(plain_images(np.zeros((4, 2))), np.array([1, 1, 1, 0]), 4)
    assert batches[0][2].tolist() == [1, 1, 1, 1]


def test_small_source_counts_more_than_its_images_and_less_than_a_large_one() -> None:
    """Both classes have half of the weight; nine and one normals share theirs as three to one."""
    labels = np.array([0] * 10 + [1] * 5)
    sources = np.array(["children"] * 9 + ["adults"] + ["children"] * 5)
    weights = balance_sources(labels, sources)
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == 0].sum() == pytest.approx(7.5)
    assert weights[:9].sum() == pytest.approx(3 * weights[9])
    alone = balance_sources(labels, np.full(15, "children"))
    assert alone == pytest.approx(np.array(balance_classes(labels))[labels])


@pytest.mark.parametrize(("optimizer", "loss"), list(zip(RATES, ["bce", "focal"] * 2, strict=True)))
def test_every_optimizer_and_loss_learns(optimizer: str, loss: str, tmp_path: Path) -> None:
    """Two epochs of logistic regression lower the loss."""
    settings = make_settings(tmp_path, "--optimizer", optimizer, "--loss", loss)
    output = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), output])
    batches, checks = make_batches()
    compile_network(model, 2 * len(batches), settings.hyperparameters)
    before = model.evaluate(checks, verbose=0, return_dict=True)["loss"]
    model.fit(batches, epochs=2, verbose=0)
    assert model.evaluate(checks, verbose=0, return_dict=True)["loss"] < before


def test_killed_run_resumes_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """History and weights after a kill in the third epoch equal those of an uninterrupted run."""
    whole = make_model()
    expected = fit(whole, *make_batches(), make_settings(tmp_path / "whole"))
    settings = make_settings(tmp_path / "killed")
    with pytest.raises(Killed):
        fit(make_model(), *make_batches(kill_in_epoch=3), settings)
    assert (tmp_path / "killed" / "resume" / "state.json").exists()
    again = make_model()
    got = fit(again, *make_batches(), settings)
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        assert got[name] == pytest.approx(values, abs=2e-4), name
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_training_ends_when_no_epoch_is_better_and_keeps_the_best(tmp_path: Path) -> None:
    """With patience 1 and nothing to learn, it ends early with the weights of the best epoch."""
    settings = make_settings(tmp_path, "--patience", "1", "--epochs", "50")
    training, _ = make_batches()
    checks = Batches(plain_images(np.ones((16, 2, 2, 1))), LABELS, 16)
    history = fit(make_model(), training, checks, settings)
    assert len(history["val_auc_roc"]) == 2


def test_finished_run_leaves_a_clean_folder_to_the_next(tmp_path: Path) -> None:
    """A run resumes only with the same identity."""
    open_run(tmp_path, {"data": "a"})
    open_run(tmp_path, {"data": "a"})
    with pytest.raises(ValueError, match="A run with other data was not finished"):
        open_run(tmp_path, {"data": "b"})


def test_damaged_rest_of_a_killed_run_is_reported_in_one_sentence(tmp_path: Path) -> None:
    """A partly written file is reported, not a traceback."""
    resume = tmp_path / "resume"
    resume.mkdir()
    (resume / "run.json").write_text('{"data": ')
    with pytest.raises(RunError, match=r"run\.json is damaged; remove "):
        open_run(tmp_path, {"data": "a"})
    (resume / "state.json").write_text('{"epoch": 1, "weights": "gone.weights.h5"}')
    with pytest.raises(RunError, match=r"left in .* is damaged; remove it"):
        fit(make_model(), *make_batches(), make_settings(tmp_path))
