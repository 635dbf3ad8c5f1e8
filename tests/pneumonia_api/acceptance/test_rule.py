"""`acceptance.rule` and `acceptance.report`: the verdict follows the written rule."""

import pytest

from pneumonia_api.acceptance.figures import Estimate, measure
from pneumonia_api.acceptance.films import Film
from pneumonia_api.acceptance.report import Assessment, assess, read_card
from pneumonia_api.acceptance.rule import (
    FAILS,
    HOLDS,
    MIN_PATIENTS,
    MIN_TO_REFUSE,
    TOO_FEW,
    Bounds,
    decide,
    derive_bounds,
)
from tests.pneumonia_api.acceptance.films import make

CARD = {
    "auc": Estimate(0.95, 0.92, 0.97),
    "sensitivity": Estimate(0.95, 0.9, 0.98),
    "specificity": Estimate(0.9, 0.85, 0.94),
}
BOUNDS = {"sensitivity": Bounds(0.95, 0.9), "specificity": Bounds(0.9, 0.8)}


def films(found: int, missed: int, right: int, wrong: int) -> list[Film]:
    """Films of so many ill and healthy patients, each class mixed with itself in time."""
    ill = [(True, n % (found + missed) < found) for n in range(found + missed)]
    healthy = [(False, n % (right + wrong) >= right) for n in range(right + wrong)]
    probabilities = {True: 0.9, False: 0.1}
    return [
        make(n, ill=is_ill, probability=probabilities[called])
        for n, (is_ill, called) in enumerate([*ill, *healthy])
    ]


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((98, 2, 190, 10), HOLDS),
        ((98, 2, 120, 80), FAILS),
        ((70, 30, 190, 10), FAILS),
        ((93, 7, 190, 10), TOO_FEW),
        ((49, 0, 190, 10), TOO_FEW),
        ((100, 0, 49, 0), TOO_FEW),
        ((0, 3, 0, 3), TOO_FEW),
        ((0, 0, 0, 0), TOO_FEW),
    ],
)
def test_verdict(counts: tuple[int, int, int, int], verdict: str) -> None:
    """Both intervals above their bounds, one below its bound, or neither."""
    found = decide(measure(films(*counts)), BOUNDS)
    assert found.name == verdict
    assert found.reasons


def test_minimum_numbers() -> None:
    """One patient less than the stated number accepts nothing, and condemns nothing."""
    enough, few = MIN_PATIENTS, MIN_PATIENTS - 1
    assert decide(measure(films(enough, 0, enough, 0)), BOUNDS).name == HOLDS
    assert decide(measure(films(enough, 0, few, 0)), BOUNDS).name == TOO_FEW
    assert decide(measure(films(0, MIN_TO_REFUSE, enough, 0)), BOUNDS).name == FAILS
    assert decide(measure(films(0, MIN_TO_REFUSE - 1, enough, 0)), BOUNDS).name == TOO_FEW


def test_the_number_that_is_missing_would_do() -> None:
    """With as many more patients of the same share, the verdict is that it holds."""
    figures = measure(films(100, 0, 86, 14))
    verdict = decide(figures, BOUNDS)
    assert verdict.name == TOO_FEW
    [reason] = verdict.reasons
    more = int(reason.rsplit(", ", 1)[1].split()[0])
    share = (100 + more) / 100
    enough = decide(measure(films(100, 0, round(86 * share) + 1, round(14 * share))), BOUNDS)
    fewer = decide(measure(films(100, 0, round(81 * share), round(14 * share))), BOUNDS)
    assert (enough.name, fewer.name) == (HOLDS, TOO_FEW)


def test_nothing_is_accepted_during_an_alarm() -> None:
    """Twenty false alarms at the start are an alarm, although the whole is good enough."""
    late = films(100, 0, 0, 0) + [
        make(200 + n, ill=False, probability=0.9 if n < 16 else 0.1) for n in range(300)
    ]
    found = assess_all(late)
    assert found.bets["specificity"].alarm
    assert decide(found.overall, BOUNDS).name == HOLDS
    assert found.verdict.name == TOO_FEW
    assert "after 10" in found.verdict.reasons[-1]


def assess_all(labelled: list[Film]) -> Assessment:
    """The assessment of films whose labels have times."""
    return assess(
        labelled, judged=2 * len(labelled), model="m1", promised=CARD, bounds=BOUNDS, in_time=True
    )


def test_withheld_films_count_by_age_alone() -> None:
    """What no page shows misleads nobody, but it tells whether the model might do for more ages."""
    shown = films(10, 0, 10, 0)
    hidden = [make(50 + n, ill=False, probability=0.9, shown=False, age="above") for n in range(5)]
    found = assess_all([*shown, *hidden])
    assert (found.labelled, found.withheld, found.overall.films) == (25, 5, 20)
    assert found.overall.specificity.share == 1
    assert found.groups["age"]["above"].specificity.share == 0
    assert sum(each.films for each in found.groups["view"].values()) == 20


def test_report_says_what_the_card_says_and_what_is_missing() -> None:
    """The change against the card, and the patients for narrower intervals."""
    found = assess_all(films(98, 2, 190, 10))
    assert found.card["specificity"].change
    assert found.card["specificity"].change.value == pytest.approx(0.05)
    needed = found.needed["sensitivity"]
    assert [each.width for each in needed] == [0.2, 0.1, 0.05]
    assert needed[0].missing == 0 and needed[2].missing == needed[2].patients - 100


def test_bounds_come_from_the_card_unless_stated() -> None:
    """Five points of sensitivity and ten of specificity; a bound above the card is refused."""
    assert derive_bounds(CARD, {}) == BOUNDS
    assert derive_bounds(CARD, {"specificity": 0.7})["specificity"] == Bounds(0.9, 0.7)
    with pytest.raises(ValueError, match=r"below that of the model card, 0\.950"):
        derive_bounds(CARD, {"sensitivity": 0.96})


def test_card_is_read_from_the_artifact() -> None:
    """From what the workers announce."""
    test = {"auc_roc": [0.9, 0.8, 1.0], "sensitivity": [1, 1, 1], "specificity": [0.5, 0.4, 0.6]}
    assert read_card({"scores": {"test": test}})["auc"] == Estimate(0.9, 0.8, 1.0)
