"""`acceptance.local`: a planted shift is mended on patients that were not used, never from few."""

from dataclasses import replace

import numpy as np
import pytest
import redis

from model.evaluation.calibration import choose_threshold, choose_uncertain
from pneumonia_api.acceptance.__main__ import main
from pneumonia_api.acceptance.local import TooFewFilms, fit_local
from pneumonia_api.records.profiles import MIN_PATIENTS
from tests.pneumonia_api.acceptance.films import Hospital, make
from tests.pneumonia_api.acceptance.hospital import announce, confirm, judge

SHIFTED = Hospital(ill=0.4, shift=2.0, steeper=1.6)


def test_shift_is_mended() -> None:
    """The error falls to what chance gives; the threshold finds as many as the rule says."""
    found = fit_local(SHIFTED.take(800, seed=4))
    assert found.before.error.low > 2 * found.before.chance
    assert found.calibration.error.value < 1.5 * found.calibration.chance
    assert found.calibration.slope.low < 1 < found.calibration.slope.high
    assert found.fit.slope == pytest.approx(1 / 1.6, abs=0.12)
    assert found.fit.intercept == pytest.approx(-2 / 1.6, abs=0.3)
    assert found.figures.sensitivity.share == pytest.approx(0.97, abs=0.03)


def test_figures_are_of_patients_that_were_not_used() -> None:
    """Of labels without any relation to the film nothing can be learnt."""
    films = [
        make(n, ill=(n * 7919) % 13 < 6, probability=((n * 104729) % 997) / 1000)
        for n in range(600)
    ]
    try:
        found = fit_local(films)
    except TooFewFilms:
        return  # the slope is not above 0: refused
    assert found.figures.auc and found.figures.auc.low < 0.5


def test_threshold_and_band_are_by_the_rules_of_the_model() -> None:
    """Those by which a training run chooses them on validation, on the probability of the site."""
    films = list(SHIFTED.take(800, seed=7))
    fit = fit_local(films).fit
    judged = [fit.judge(film) for film in films]
    probabilities = np.array([film.probability for film in judged])
    labels = np.array([int(film.ill) for film in judged])
    chosen = choose_threshold(probabilities, labels, 0.97)
    assert fit.threshold == pytest.approx(chosen, abs=1e-4) and fit.threshold <= chosen
    band = choose_uncertain(probabilities, labels, fit.threshold)
    assert (fit.low, fit.high) == pytest.approx((band.low, band.high), abs=1e-9)
    assert sum(f.called for f in judged if f.ill) / labels.sum() >= 0.97
    assert [f.uncertain for f in judged] == [fit.low <= p < fit.high for p in probabilities]


def test_fit_is_to_the_probability_of_the_model() -> None:
    """Whatever a profile that was on made of it."""
    films = list(SHIFTED.take(800, seed=8))
    moved = [replace(film, probability=film.own**3, called=False) for film in films]
    assert fit_local(moved).fit == fit_local(films).fit
    assert fit_local(moved).before == fit_local(films).before


def test_films_of_a_patient_stay_together() -> None:
    """Four copies of each film give no better figures than one."""
    single = fit_local(SHIFTED.take(600, seed=5))
    films = list(SHIFTED.take(600, seed=5))
    copied = fit_local([replace(film) for film in films for _ in range(4)])
    assert copied.calibration.error.value == pytest.approx(single.calibration.error.value, abs=0.01)
    assert copied.fit.slope == pytest.approx(single.fit.slope)


def test_too_few_are_refused() -> None:
    """One patient less than stated is not enough, and withheld films are none."""
    ill = [make(n, ill=True, probability=0.3 + n % 60 / 100) for n in range(MIN_PATIENTS)]
    healthy = [
        make(500 + n, ill=False, probability=0.1 + n % 60 / 100) for n in range(MIN_PATIENTS)
    ]
    assert fit_local([*ill, *healthy]).figures.films == 2 * MIN_PATIENTS
    hidden = [*ill[1:], replace(ill[0], shown=False)]
    for films in ([*ill[1:], *healthy], [*ill, *healthy[1:]], [*hidden, *healthy], []):
        with pytest.raises(TooFewFilms, match="needs 100 patients"):
            fit_local(films)


def test_films_that_a_threshold_separates_are_refused() -> None:
    """And those of a model that is wrong the other way round."""
    for probability in ((0.9, 0.1), (0.1, 0.9)):
        films = [make(n, ill=n % 2 == 0, probability=probability[n % 2]) for n in range(240)]
        with pytest.raises(TooFewFilms, match="no line fits"):
            fit_local(films)


def test_command_says_what_it_would_give(
    client: redis.Redis, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On request; with few films it says how many are missing."""
    announce(client)
    films = list(SHIFTED.take(400, seed=6))
    for film in films[:20]:
        confirm(client, judge(client, film.probability), "pneumonia" if film.ill else "normal")
    assert main(["--redis-url", redis_url, "--local"]) == 1
    assert "needs 100 patients with pneumonia and 100 without" in capsys.readouterr().err
    for film in films[20:]:
        confirm(client, judge(client, film.probability), "pneumonia" if film.ill else "normal")
    assert main(["--redis-url", redis_url]) != 1
    assert "hospital's own" not in capsys.readouterr().out
    assert main(["--redis-url", redis_url, "--local"]) != 1
    assert "A calibration of this hospital's own would be" in capsys.readouterr().out
