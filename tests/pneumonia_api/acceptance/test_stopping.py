"""`acceptance.stopping`: a loss is found soon, and false alarms are as rare as stated."""

import statistics
from dataclasses import replace

import pytest

from pneumonia_api.acceptance.stopping import FALSE_ALARMS, follow
from tests.pneumonia_api.acceptance.films import make
from tests.pneumonia_api.simulated_silence import (
    CARD,
    FILMS,
    SOON,
    Ward,
    list_alarms,
    share_within,
)

QUARTERS = 400


def test_a_loss_of_ten_points_of_specificity_alarms_within_200_films() -> None:
    """From the card's 0.83, with a quarter of the films of ill patients: in most quarters, and at
    the median long before.
    """
    alarms = list_alarms(Ward(specificity=CARD.specificity - 0.1), QUARTERS, seed=1)
    assert statistics.median(each or FILMS + 1 for each in alarms) < 0.65 * SOON
    assert share_within(alarms, SOON) > 0.74
    assert share_within(alarms, FILMS) > 0.99


def test_a_loss_of_sensitivity_alarms_too() -> None:
    """Of ill patients there are fewer, but the card promises nearly all of them."""
    alarms = list_alarms(Ward(sensitivity=CARD.sensitivity - 0.1), QUARTERS, seed=2)
    assert share_within(alarms, SOON) > 0.6
    assert share_within(alarms, FILMS) > 0.98


@pytest.mark.parametrize("ill", [0.1, 0.4])
def test_false_alarms_are_below_five_per_cent_a_quarter(ill: float) -> None:
    """Where the model is exactly as its card says, whatever the share of the ill."""
    alarms = list_alarms(Ward(ill=ill), 2 * QUARTERS, seed=3)
    assert share_within(alarms, FILMS) < 0.05


def test_the_stated_chances_add_up_to_five_per_cent() -> None:
    """The page promises so."""
    assert sum(FALSE_ALARMS.values()) == pytest.approx(0.05)


def test_copies_of_one_patient_are_no_evidence() -> None:
    """One healthy patient whose every film is called ill counts once."""
    films = [make(n, ill=False, probability=0.9, patient="same") for n in range(100)]
    bet = follow(films, "specificity", 0.83, 0.73)
    assert (bet.films, bet.alarm) == (1, None)


def test_the_order_is_that_of_the_labels() -> None:
    """An outcome that comes late counts when it comes: no choice of order makes an alarm."""
    wrong = [make(n, ill=False, probability=0.9) for n in range(20)]
    right = [make(n, ill=False, probability=0.1) for n in range(20, 120)]
    first = follow([*right, *wrong], "specificity", 0.83, 0.73)
    assert first.alarm
    late = [replace(film, at=film.at.replace("10-01", "10-09")) for film in wrong]
    assert follow([*right, *late], "specificity", 0.83, 0.73).alarm is None


def test_each_quarter_begins_anew() -> None:
    """Good films of last quarter do not delay an alarm in this one."""
    wrong = [make(n, ill=False, probability=0.9) for n in range(10)]
    right = [make(n, ill=False, probability=0.1, patient=f"q{n}") for n in range(300)]
    before = [replace(film, at=film.at.replace("2026-10", "2026-09")) for film in right]
    assert follow([*before, *wrong], "specificity", 0.83, 0.73).alarm
    assert follow([*right, *wrong], "specificity", 0.83, 0.73).films == 310


@pytest.mark.parametrize(("expected", "least"), [(0.8, 0.8), (0.7, 0.8), (0.8, 0.0)])
def test_bounds_that_test_nothing_are_refused(expected: float, least: float) -> None:
    """The least must be below what is expected."""
    with pytest.raises(ValueError, match="below what is expected"):
        follow([], "specificity", expected, least)
