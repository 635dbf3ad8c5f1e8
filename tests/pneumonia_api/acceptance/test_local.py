"""`acceptance.local`: a planted shift is mended on patients that were not used, never from few."""

from dataclasses import replace

import pytest
import redis

from pneumonia_api.acceptance.__main__ import main
from pneumonia_api.acceptance.local import MIN_PATIENTS, TooFewFilms, fit_local
from tests.pneumonia_api.acceptance.films import Hospital, make
from tests.pneumonia_api.acceptance.hospital import announce, confirm, judge

SHIFTED = Hospital(ill=0.4, shift=2.0, steeper=1.6)


def test_shift_is_mended() -> None:
    """The error falls to what chance gives; the threshold finds as many as the rule says."""
    found = fit_local(SHIFTED.take(800, seed=4))
    assert found.before.error.low > 2 * found.before.chance
    assert found.calibration.error.value < 1.5 * found.calibration.chance
    assert found.calibration.slope.low < 1 < found.calibration.slope.high
    assert found.slope == pytest.approx(1 / 1.6, abs=0.12)
    assert found.intercept == pytest.approx(-2 / 1.6, abs=0.3)
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


def test_films_of_a_patient_stay_together() -> None:
    """Four copies of each film give no better figures than one."""
    single = fit_local(SHIFTED.take(600, seed=5))
    films = list(SHIFTED.take(600, seed=5))
    copied = fit_local([replace(film) for film in films for _ in range(4)])
    assert copied.calibration.error.value == pytest.approx(single.calibration.error.value, abs=0.01)
    assert copied.slope == pytest.approx(single.slope)


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
