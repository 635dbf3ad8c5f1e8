"""Fit which images serving refuses: the density of features and its limits.

The density is fitted on training X-rays and, with --other-xrays, on half of the patients of
unlabelled X-rays of another origin, so that another scanner is not a reason to refuse. The limits
come from validation X-rays and the same half. Images that are not chest X-rays are only measured.
"""

from dataclasses import dataclass

import keras
import numpy as np

from model.network.gradcam import build_feature_network
from model.serving.artifact import OodLimits
from model.serving.density import FeatureDensity, choose_limit, fit_density
from model.training.augmentation import augment_all
from model.training.refusal_images import RefusalImages
from model.training.splits import Splits, as_served

COMPONENTS = 32
OTHER_WEIGHT = 0.5
"""Weight of the X-rays of other origin in the fit, however few they are."""

# Highest shares beyond each limit: of validation X-rays, of their views, and of other origin.
LIMIT_SHARES = (0.005, 0.005, 0.015)
WARNING_SHARES = (0.02, 0.02, 0.05)

DENSITY_STRIDE = 3
"""The fit uses every third training X-ray as served, and as many others augmented: some 3,000 are
plenty, and without augmented ones it would refuse sharper or softer scans."""

DENSITY_SEED = 2040


@dataclass(frozen=True)
class RefusalCounts:
    """Of so many `images`: those refused, their share, and those shown with a warning."""

    images: int
    refused: int
    share: float
    doubted: int


@dataclass(frozen=True)
class Refusal:
    """What is refused, and how many of each measured set; `counts` by the name of the set."""

    density: FeatureDensity
    limits: OodLimits
    counts: dict[str, RefusalCounts]


def fit_refusal(network: keras.Model, splits: Splits, given: RefusalImages) -> Refusal:
    """Fit the density of the network's features, choose its limits, and count what they refuse."""
    features = build_feature_network(network)

    def extract(images: np.ndarray) -> np.ndarray:
        return features.predict(images.astype(np.float32), batch_size=32, verbose=0)

    other = given.other_xrays
    other_features = extract(other.images) if other else np.empty((0, 0))
    training, validation = splits.training.images, splits.validation.images
    density, limits = fit_limits(
        np.concatenate(
            [
                extract(as_served(training[::DENSITY_STRIDE])),
                extract(augment_all(training[1::DENSITY_STRIDE], DENSITY_SEED, False)),
            ]
        ),
        extract(as_served(validation)),
        extract(augment_all(validation, DENSITY_SEED, False)),
        other_features[other.in_fitting_half] if other else None,
    )
    counts = {"official test": count_refused(density, limits, extract(splits.test.images))}
    if other:
        half = other.in_fitting_half
        for name, mask in (("used", half), ("not used", ~half)):
            counts[f"X-rays of other origin, half {name} in the fit"] = count_refused(
                density, limits, other_features[mask]
            )
    if strange := given.not_xrays:
        counts["images that are no chest X-rays, none used in the fit"] = count_refused(
            density, limits, extract(strange.images), strange.unreadable
        )
    return Refusal(density, limits, counts)


def fit_limits(
    training: np.ndarray, validation: np.ndarray, augmented: np.ndarray, other: np.ndarray | None
) -> tuple[FeatureDensity, OodLimits]:
    """Density and limits from features (N, D).

    `augmented` are views of validation X-rays, `other` X-rays of another origin.
    """
    features, weights = training, np.full(len(training), 1 / len(training))
    groups = [validation, augmented]
    if other is not None:
        features = np.concatenate([training, other])
        share = np.full(len(other), OTHER_WEIGHT / len(other))
        weights = np.concatenate([(1 - OTHER_WEIGHT) * weights, share])
        groups.append(other)
    density = fit_density(features, weights, COMPONENTS)
    distances = [density.measure(group) for group in groups]
    limit, warning = (
        choose_limit(distances, shares[: len(groups)]) for shares in (LIMIT_SHARES, WARNING_SHARES)
    )
    return density, OodLimits(limit, warning)


def count_refused(
    density: FeatureDensity, limits: OodLimits, features: np.ndarray, unreadable: int = 0
) -> RefusalCounts:
    """How many of (N, D) features and unreadable files are refused, and how many doubted."""
    distances = density.measure(features)
    refused = int((distances > limits.limit).sum()) + unreadable
    return RefusalCounts(
        images=len(features) + unreadable,
        refused=refused,
        share=round(refused / (len(features) + unreadable), 4),
        doubted=int((distances > limits.warning).sum()) + unreadable - refused,
    )
