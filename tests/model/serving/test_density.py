"""`model.serving.density`: distances calculated by hand, limits, and the split by name."""

from pathlib import Path

import numpy as np
import pytest

from model.serving.density import (
    FeatureDensity,
    choose_limit,
    fit_density,
    is_in_fitting_half,
    read_density,
    write_density,
)


def test_distance_equals_mahalanobis_by_hand() -> None:
    """Along a component the distance is scaled by its variance, elsewhere by the noise."""
    density = FeatureDensity(
        mean=np.array([1.0, 0.0, 0.0]),
        scale=np.array([2.0, 1.0, 1.0]),
        components=np.array([[1.0, 0.0, 0.0]]),
        variances=np.array([4.0]),
        noise=0.5,
    )
    # ((5 - 1) / 2)^2 / 4 = 1 along, (1 + 4) / 0.5 = 10 across, over three dimensions
    assert density.measure(np.array([[5.0, 1.0, 2.0]])) == pytest.approx([11 / 3])


def test_fitted_features_are_about_one_away_and_others_far() -> None:
    """The scale of the distance does not depend on that of the features."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(4, 20)) * 30
    features = random.normal(size=(500, 4)) @ mixing + random.normal(size=(500, 20))
    density = fit_density(features, np.ones(500), 4)
    assert density.measure(features).mean() == pytest.approx(1, abs=0.05)
    assert density.measure(random.normal(size=(5, 20)) * 60).min() > 10


def test_weights_make_a_small_group_count() -> None:
    """Ten images of another origin are closer when they have half of the total weight."""
    random = np.random.default_rng(1)
    features = np.concatenate([random.normal(0, 1, (300, 8)), random.normal(3, 1, (10, 8))])
    few = fit_density(features, np.ones(310), 2).measure(features[300:]).mean()
    weights = np.concatenate([np.full(300, 1 / 300), np.full(10, 1 / 10)])
    assert fit_density(features, weights, 2).measure(features[300:]).mean() < few / 2


def test_limit_holds_for_every_group() -> None:
    """The limit is the largest of the groups' quantiles."""
    near, far = np.arange(101) / 100, np.arange(101) / 10
    assert choose_limit([near, far], [0.01, 0.1]) == pytest.approx(9.0)


def test_halves_are_disjoint_and_about_equal() -> None:
    """Only the name decides, so the split is reproducible."""
    chosen = [is_in_fitting_half(str(number)) for number in range(1000)]
    assert 450 < sum(chosen) < 550
    assert is_in_fitting_half("00001362") == is_in_fitting_half("00001362")


def test_density_survives_the_disk(tmp_path: Path) -> None:
    """After a round trip to disk, the distances are the same."""
    features = np.random.default_rng(2).normal(size=(50, 6))
    density = fit_density(features, np.ones(50), 2)
    write_density(tmp_path, density)
    assert read_density(tmp_path).measure(features) == pytest.approx(density.measure(features))
