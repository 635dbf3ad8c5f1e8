"""Silent weeks with real scores: a hospital of adults is found out; few films are not enough."""

from pathlib import Path

import pytest

from model.serving.predictor import Predictor
from tests.conftest import XRAY_DATA
from tests.pneumonia_api.simulated_hospital import draw, list_adults, run, score
from tests.stack import ROOT

FILMS = 120


@pytest.mark.skipif(not (XRAY_DATA / "adults_more").is_dir(), reason="XRAY_DATA has no adults")
def test_silent_weeks_find_that_the_model_is_not_made_for_adults(whole_export: Path) -> None:
    """Neither accepts nor condemns it after 20 films; by 120 the stopping rule has an alarm."""
    predictor = Predictor(ROOT / "model" / "artifact", whole_export.parent)
    scored = score(predictor, draw(list_adults(XRAY_DATA), FILMS, seed=18))
    found = run(predictor, scored, (20, FILMS))
    assert (found[20].verdict.name, found[20].bases) == ("too_few_to_say", {"reading": 20})
    assert found[FILMS].verdict.name != "holds_here"
    alarms = {name for name, bet in found[FILMS].bets.items() if bet.alarm}
    assert "specificity" in alarms
    change = found[FILMS].card["specificity"].change
    assert change and change.high < 0
