"""`model.evaluation.sources`: scores by source and by age."""

import numpy as np
import pytest

from model.evaluation.scores import Predictions
from model.evaluation.sources import name_age, score_sources
from model.reading.ages import AgeBand
from model.reading.dataset import LabelledXray
from tests.model.made_xrays import make_xrays


def test_each_source_has_the_figures_that_its_classes_allow() -> None:
    """A source of normals alone has a specificity and no AUC; a group of both has all three."""
    xrays = [
        *make_xrays("children", [0, 0, 1, 1], AgeBand(1, 5)),
        *make_xrays("adults", [0, 0, 0, 0], AgeBand(40, 40)),
    ]
    probabilities = np.array([0.1, 0.6, 0.8, 0.9, 0.2, 0.9, 0.9, 0.9])
    predictions = Predictions(
        np.array([xray.label for xray in xrays]),
        probabilities,
        ["/".join(xray.person) for xray in xrays],
    )
    scores = score_sources(predictions, xrays, 0.5, seed=1, resamples=50)
    children, adults = scores["source children"], scores["source adults"]
    assert (children.normals, children.pneumonias, children.patients) == (2, 2, 4)
    assert children.auc_roc is not None and children.auc_roc.value == 1.0
    assert children.specificity is not None and children.specificity.value == 0.5
    assert adults.specificity is not None and adults.specificity.value == 0.25
    assert (adults.normals, adults.auc_roc, adults.sensitivity) == (4, None, None)
    assert children.ece_balanced is not None and children.ece_balanced.value == pytest.approx(0.25)
    assert adults.ece_balanced is None
    assert scores["age 0-5"] == children and scores["age 18-64"] == adults
    assert set(scores) == {"source children", "source adults", "age 0-5", "age 18-64"}


@pytest.mark.parametrize(
    ("age", "name"),
    [
        (AgeBand(0, 0), "age 0-5"),
        (AgeBand(6, 17), "age 6-17"),
        (AgeBand(65, 65), "age 65-120"),
        (AgeBand(5, 6), "age unknown"),
        (None, "age unknown"),
    ],
)
def test_band_that_no_group_holds_is_unknown(age: AgeBand | None, name: str) -> None:
    """Half a patient does not count for either group."""
    assert name_age(age) == name


def test_same_id_in_two_sources_is_two_people() -> None:
    """Every collection numbers its patients from one."""
    first, second = make_xrays("a", [0])[0], make_xrays("b", [0])[0]
    assert first.patient == second.patient and first.person != second.person
    assert isinstance(first, LabelledXray)
