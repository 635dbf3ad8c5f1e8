"""`acceptance.stopping`: a loss is found soon, and false alarms are as rare as stated."""

import itertools
import statistics
from dataclasses import replace

import pytest

from pneumonia_api.acceptance.stopping import (
    EARLY,
    FALSE_ALARMS,
    SOON,
    Course,
    follow,
    spend,
)
from tests.pneumonia_api.acceptance.films import make
from tests.pneumonia_api.simulated_silence import (
    CARD,
    FILMS,
    Ward,
    find_most_power,
    follow_wald,
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
    assert share_within(alarms, SOON) > 0.79
    assert share_within(alarms, FILMS) > 0.99


def test_a_loss_of_sensitivity_alarms_too() -> None:
    """Of ill patients there are fewer, but the card promises nearly all of them."""
    alarms = list_alarms(Ward(sensitivity=CARD.sensitivity - 0.1), QUARTERS, seed=2)
    assert share_within(alarms, SOON) > 0.6
    assert share_within(alarms, FILMS) > 0.98


def test_the_rule_is_near_the_best_that_there_is() -> None:
    """Within 200 films; what is beyond it no test with as few false alarms can find."""
    ward = Ward(specificity=CARD.specificity - 0.1)
    most = find_most_power(ward)
    assert 0.88 < most < 0.9
    found = share_within(list_alarms(ward, QUARTERS, seed=1), SOON)
    assert most - 0.12 < found < most


def test_a_loss_in_the_middle_of_a_quarter_is_found_in_many() -> None:
    """Wald's test, whose evidence for the model grows without limit, finds fewer."""
    ward = Ward(specificity=CARD.specificity - 0.1, begins=FILMS // 2)
    ours, wald = (list_alarms(ward, QUARTERS, 4, *rule) for rule in ((), (follow_wald,)))
    assert share_within(ours, FILMS) > 0.45
    assert share_within(ours, FILMS) > share_within(wald, FILMS) + 0.1


@pytest.mark.parametrize("every", [2, 4, 10])
def test_false_alarms_are_below_five_per_cent_a_quarter(every: int) -> None:
    """Where the model is exactly as its card says, and each so many-th film is of an ill patient:
    summed over every course of errors that there is, and as much as was to be spent.
    """
    both = 0.0
    for measure, chance in FALSE_ALARMS.items():
        wants_ill, right = measure == "sensitivity", getattr(CARD, measure)
        numbers = [n for n in range(1, FILMS + 1) if (n % every == 0) is wants_ill]
        course, likely, alarms = Course(right, chance), {0: 1.0}, 0.0
        for number in numbers:
            limit = course.go_on(number)
            after: dict[int, float] = {}
            for errors, each in likely.items():
                after[errors] = after.get(errors, 0.0) + each * right
                after[errors + 1] = after.get(errors + 1, 0.0) + each * (1 - right)
            alarms += sum(each for errors, each in after.items() if errors >= limit)
            likely = {errors: each for errors, each in after.items() if errors < limit}
            assert alarms <= chance * spend(number) + 1e-9
        both += alarms
        assert wants_ill or alarms > 0.95 * chance * spend(FILMS)
    assert both < 0.05


def test_a_quarter_never_spends_more_than_all() -> None:
    """However many films it has, most of it soon."""
    shares = [spend(film) for film in range(1, 20_000)]
    assert all(a <= b for a, b in itertools.pairwise(shares))
    assert shares[SOON - 1] == pytest.approx(EARLY) and shares[-1] <= 1


def test_the_stated_chances_add_up_to_five_per_cent() -> None:
    """The page promises so."""
    assert sum(FALSE_ALARMS.values()) == pytest.approx(0.05)


def test_copies_of_one_patient_are_no_evidence() -> None:
    """One healthy patient whose every film is called ill counts once."""
    films = [make(n, ill=False, probability=0.9, patient="same") for n in range(100)]
    bet = follow(films, "specificity", 0.83, 0.73)
    assert (bet.films, bet.errors, bet.alarm) == (1, 1, None)


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
