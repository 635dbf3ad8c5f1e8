"""`model.serving.rule`: a site's line on the model's log-odds decides; the artifact stays."""

import math

import numpy as np
import pytest

from model.serving.artifact import Artifact, read_artifact
from model.serving.finding import UncertainBand
from model.serving.golden import Output
from model.serving.predictor import conclude
from model.serving.rule import DecisionRule, localize, rule_of
from model.serving.trial import is_close_call
from tests.variant import SHIPPED

LOGITS = (-6.0, -1.3, 0.0, 0.4, 2.5, 7.0)


@pytest.fixture(scope="module")
def shipped() -> Artifact:
    """The shipped metadata."""
    return read_artifact(SHIPPED)


def make_rule(artifact: Artifact) -> DecisionRule:
    """A site at which the model is too sure, and calls too many."""
    return localize(
        artifact,
        intercept=-1.2,
        slope=0.6,
        threshold=0.3,
        uncertain=UncertainBand(0.2, 0.7),
        profile="p1",
    )


def answer(logit: float) -> Output:
    """What the network says of an X-ray that nobody doubts."""
    return Output(logit, np.zeros((14, 14)), 0.0, "float32")


@pytest.mark.parametrize("logit", LOGITS)
def test_line_is_on_the_log_odds_of_the_model(shipped: Artifact, logit: float) -> None:
    """Probability, decision, finding and band are the site's; the model's own is kept beside it."""
    own = conclude(shipped, answer(logit))
    assert (own.profile, own.model_probability) == (None, None)
    exact = rule_of(shipped).find_probability(logit)
    assert own.probability == round(exact, 4)
    local = conclude(shipped, answer(logit), make_rule(shipped))
    odds = -1.2 + 0.6 * math.log(exact / (1 - exact))
    assert local.probability == pytest.approx(1 / (1 + math.exp(-odds)), abs=5.1e-5)
    assert (local.profile, local.model_probability) == ("p1", own.probability)
    assert local.decision == ("pneumonia" if local.probability >= 0.3 else "normal")
    assert (local.threshold, local.uncertain) == (0.3, UncertainBand(0.2, 0.7))
    assert (local.finding == "uncertain") == (0.2 <= local.probability < 0.7)
    assert (local.model, local.ood, local.heatmap) == (own.model, own.ood, own.heatmap)


def test_model_alone_decides_as_it_always_did(shipped: Artifact) -> None:
    """The rule of the artifact is the artifact."""
    for logit in LOGITS:
        alone = conclude(shipped, answer(logit))
        assert conclude(shipped, answer(logit), rule_of(shipped)) == alone
        assert alone.threshold == shipped.threshold


def test_close_calls_are_those_of_the_rule(shipped: Artifact) -> None:
    """bfloat16 is computed again where it might change what the site decides, not the model."""
    rule = make_rule(shipped)
    for limit in (0.3, 0.2, 0.7):
        logit = rule.find_logit(limit)
        assert rule.find_probability(logit) == pytest.approx(limit)
        output = answer(logit)._replace(precision="bfloat16")
        assert is_close_call(shipped, output, rule)
    own = answer(rule_of(shipped).find_logit(shipped.threshold))._replace(precision="bfloat16")
    assert is_close_call(shipped, own)
    far = answer(9.0)._replace(precision="bfloat16")
    assert not is_close_call(shipped, far, rule) and not is_close_call(shipped, far)
