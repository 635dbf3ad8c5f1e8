"""Silent weeks with real scores: films that are too grainy are found out; few are not enough."""

from pathlib import Path

import pytest

from model.serving.predictor import Predictor
from tests.conftest import XRAY_DATA
from tests.pneumonia_api.simulated_hospital import add_grain, draw, list_adults, run, score
from tests.stack import ROOT

FILMS = 120


@pytest.mark.skipif(not (XRAY_DATA / "adults_more").is_dir(), reason="XRAY_DATA has no adults")
def test_silent_weeks_find_that_the_model_is_not_made_for_such_films(whole_export: Path) -> None:
    """Neither accepts nor condemns it after 20 films; by 120 the stopping rule has an alarm."""
    predictor = Predictor(ROOT / "model" / "artifact", whole_export.parent)
    scored = score(predictor, draw(list_adults(XRAY_DATA), FILMS, seed=18), add_grain)
    found = run(predictor, scored, (20, FILMS))
    early, late = found[20].assessment, found[FILMS].assessment
    assert (early.verdict.name, early.bases) == ("too_few_to_say", {"reading": 20})
    assert late.verdict.name != "holds_here"
    assert late.bets["specificity"].alarm
    change = late.card["specificity"].change
    assert change and change.high < 0
    assert "needs 100 patients" in str(found[FILMS].local)
