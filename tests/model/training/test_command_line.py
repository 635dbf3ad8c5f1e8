"""`model.training.command_line`: from the command line to typed settings."""

import json
from pathlib import Path

import pytest

from model.reading.ages import AgeBand
from model.training.command_line import parse_settings

RECORDED = (
    '{"learning_rate": 0.01, "weight_decay": 0.00016, "validation_share": 0.15, '
    '"sensitivity": 0.97, "seed": 20, "network": "resnet50", "trainable_layers": 15, '
    '"side": 224, "dense": [8, 4], "dropout": 0.5, "l2": 0.0001, "batch_norm": true, '
    '"epochs": 6, "head_epochs": 48, "patience": 4, "batch": 32, "loss": "bce", '
    '"label_smoothing": 0.05, "consistency": 0.1, "class_weights": "balanced", '
    '"optimizer": "sgd", "cache_features": true, "views": 6, "mixed_precision": false, '
    '"strategy": "one"}'
)


def test_recorded_hyperparameters_keep_names_and_order() -> None:
    """A run that was killed by an earlier release resumes only if this text is the same."""
    words = "--data d --out o --optimizer sgd --dense 8 4 --cache-features --cache c --workers 3"
    settings = parse_settings(words.split())
    assert json.dumps(settings.hyperparameters.encode()) == RECORDED


def test_alignment_is_recorded_only_where_it_is_used() -> None:
    """Its source and number of directions; the number alone aligns nothing."""
    words = ["--data", "d", "--out", "o", "--align-directions", "2"]
    chosen = parse_settings([*words, "--align", "nih"])
    assert chosen.hyperparameters.encode()["align"] == {"source": "nih", "directions": 2}
    alone = parse_settings(words)
    assert "align" not in alone.hyperparameters.encode()


def test_paths_and_threads_are_not_hyperparameters() -> None:
    """What differs between machines is in the settings alone."""
    words = "--data d --out o --cache c --metrics m.prom --weights w.npz --workers 3"
    settings = parse_settings(words.split())
    assert (settings.data, settings.out, settings.cache) == ((Path("d"),), Path("o"), Path("c"))
    assert (settings.metrics, settings.weights, settings.workers) == (Path("m.prom"), "w.npz", 3)
    assert settings.other_xrays is None and settings.not_xrays is None


def test_given_rates_win_over_those_of_the_optimizer() -> None:
    """Each rate by itself: the other one still comes from the optimizer."""
    words = "--data d --out o --optimizer adadelta --learning-rate 0.5"
    chosen = parse_settings(words.split()).hyperparameters
    assert (chosen.learning_rate, chosen.weight_decay) == (0.5, 1.6e-6)


@pytest.mark.parametrize("ages", ["5-1", "-1-5", "1-200", "1", "one-five", "1-5-9"])
def test_impossible_ages_are_refused(ages: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The artifact states them to every reader."""
    assert parse_settings(["--data", "d", "--out", "o"]).ages == AgeBand(1, 5)
    assert parse_settings(["--data", "d", "--out", "o", "--ages=6-17"]).ages == AgeBand(6, 17)
    with pytest.raises(SystemExit):
        parse_settings(["--data", "d", "--out", "o", f"--ages={ages}"])
    assert "invalid age_band value" in capsys.readouterr().err
