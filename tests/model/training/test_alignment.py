"""Removing what tells one source of X-rays from the others."""

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from model.network.graph import add_head
from model.reading.dataset import LabelledXray
from model.training.aligned_heads import check_alignment, weigh_classes
from model.training.alignment import Alignment, fit_alignment, fold
from model.training.command_line import parse_settings
from model.training.refusal_images import FolderImages
from model.training.settings import Hyperparameters, InputError
from model.training.splits import Split
from tests.model.training.test_preflight import FITTED, MEASURED

FEATURES = 12


def make_features(count: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (N, 12), labels and sources; feature 0 is of ill X-rays, feature 1 of the source."""
    random = np.random.default_rng(3)
    labels, of_source = random.integers(0, 2, count), random.random(count) < 0.3
    features = random.normal(0, 1, (count, FEATURES)).astype(np.float32)
    features[:, 0] += 1.5 * labels
    features[:, 1] += 3 * of_source
    return 5 + 2 * features, labels, of_source


def test_source_cannot_be_told_from_what_is_left() -> None:
    """A new classifier of the source is hardly better than chance; the illness is still seen."""
    features, labels, of_source = make_features()
    left = fit_alignment(features, np.ones(len(features)), of_source, 1).apply(features)
    again = LogisticRegression().fit(left[::2], of_source[::2]).decision_function(left[1::2])
    assert roc_auc_score(of_source, features[:, 1]) > 0.95
    assert roc_auc_score(of_source[1::2], again) < 0.6
    assert roc_auc_score(labels, left[:, 0]) == pytest.approx(
        roc_auc_score(labels, features[:, 0]), abs=0.01
    )


def test_classes_weigh_the_same_on_either_side() -> None:
    """Three healthy X-rays of the source, and two healthy and one ill of the others."""
    labels = np.array([0, 0, 0, 0, 0, 1])
    of_source = np.array([True, True, True, False, False, False])
    np.testing.assert_allclose(
        weigh_classes(labels, of_source), [1 / 3, 1 / 3, 1 / 3, 0.25, 0.25, 0.5]
    )


def test_directions_are_orthonormal() -> None:
    """Removing a second one brings nothing of the first one back."""
    features, _, of_source = make_features()
    directions = fit_alignment(features, np.ones(len(features)), of_source, 3).directions
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=1e-5)


def make_head(dense: tuple[int, ...], batch_norm: bool) -> keras.Model:
    """A head with weights and statistics as after training."""
    keras.utils.set_random_seed(5)
    pooled = keras.Input((FEATURES,), name="f_pooled")
    logit = add_head(pooled, dense, 0.5, 1e-4, batch_norm, name="f_head")
    network = keras.Model(pooled, logit)
    random = np.random.default_rng(4)
    network.set_weights([0.5 + random.random(w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize(
    ("dense", "batch_norm"), [((), True), ((8,), True), ((8, 4), False), ((8, 4), True)]
)
def test_folded_head_answers_unaligned_features_alike(
    dense: tuple[int, ...], batch_norm: bool
) -> None:
    """The network keeps its layers, and gives on the features as they are pooled the answer that
    the head was fitted to give on aligned ones."""
    features, _, of_source = make_features()
    alignment = fit_alignment(features, np.ones(len(features)), of_source, 2)
    network = make_head(dense, batch_norm)
    expected = network.predict(alignment.apply(features), verbose=0)
    names = [layer.name for layer in network.layers]
    fold(network, "f", alignment)
    assert [layer.name for layer in network.layers] == names
    np.testing.assert_allclose(network.predict(features, verbose=0), expected, rtol=1e-3, atol=1e-3)


def test_feature_that_never_varies_is_not_amplified() -> None:
    """A dead channel stays small, whatever the rounding in it."""
    features, _, of_source = make_features()
    features[:, 5] = 0.25
    alignment = fit_alignment(features, np.ones(len(features)), of_source, 1)
    features[0, 5] += 1e-3
    assert isinstance(alignment, Alignment)
    assert np.abs(alignment.apply(features)[0, 5]) < 0.5


def make_split(*sources: str) -> Split:
    """An X-ray of each source."""
    xrays = [LabelledXray(Path(f"{s}.png"), s, 0, s) for s in sources]
    return Split(np.zeros((len(xrays), 2, 2, 1), np.uint8), xrays)


OTHER = FolderImages(np.ones((2, 2, 2, 1), np.uint8), [f"{FITTED}_1.png", f"{MEASURED}_1.png"], 0)


def choose(*words: str) -> Hyperparameters:
    """The hyperparameters of a command line."""
    return parse_settings(["--data", "d", "--out", "o", *words]).hyperparameters


def test_only_the_fitting_half_of_the_unlabelled_is_used() -> None:
    """The other half stays for measuring."""
    found = check_alignment(choose(), "b", make_split("a", "b"), [], OTHER)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("source", "sources", "trained", "network", "other", "sentence"),
    [
        (
            "c",
            "ab",
            [],
            "resnet50",
            OTHER,
            "must be one of several sources in --data, which has a, b",
        ),
        ("a", "a", [], "resnet50", OTHER, "must be one of several sources in --data, which has a"),
        ("a", "ab", ["conv5_block3_3_conv"], "resnet50", OTHER, "of a frozen ResNet50"),
        ("a", "ab", [], "dag", OTHER, "of a frozen ResNet50"),
        ("a", "ab", [], "resnet50", None, "--align needs --other-xrays"),
    ],
)
def test_alignment_without_what_it_needs_is_refused(
    source: str,
    sources: str,
    trained: list[str],
    network: str,
    other: FolderImages | None,
    sentence: str,
) -> None:
    """An unknown or only source, layers that would still change, and no unlabelled X-rays."""
    with pytest.raises(InputError, match=sentence):
        check_alignment(choose("--network", network), source, make_split(*sources), trained, other)
