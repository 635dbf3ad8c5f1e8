"""Whose X-Forwarded-For the API believes, and guesses from many addresses."""

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.passwords import MAX_TRIES, find_network
from tests.pneumonia_api.errors import check_error

WEB = {"X-Web-Key": "key-of-the-web"}


def log_in(
    app: APIFlask, password: str, address: str, web: dict[str, str] | None = None
) -> TestResponse:
    """As the doctor, through the web unless `web` says otherwise."""
    return app.test_client().post(
        "/v1/sessions",
        json={"user": "doctor", "password": password},
        headers={"X-Forwarded-For": address, **(WEB if web is None else web)},
    )


@pytest.mark.parametrize("web", [{}, {"X-Web-Key": ""}, {"X-Web-Key": "guess\xe9"}])
def test_addresses_that_somebody_invents_do_not_count(app: APIFlask, web: dict[str, str]) -> None:
    """424 guesses in 10 s each from an address of its own: after the tenth none is looked at."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    answers = [log_in(app, "guess", f"10.0.{number}.1", web) for number in range(20)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [401] * 10 + [429] * 10


def test_request_id_of_a_stranger_is_not_logged(app: APIFlask) -> None:
    """Only the web may say which request this is; anybody else could mix the logs up."""
    claimed = {"X-Request-ID": "a" * 32}
    strange = app.test_client().get("/livez", headers=claimed)
    assert strange.headers["X-Request-ID"] != "a" * 32
    webs = app.test_client().get("/livez", headers={**claimed, **WEB})
    assert webs.headers["X-Request-ID"] == "a" * 32


def test_guesses_from_many_addresses_meet_a_bound_and_lock_nobody_out(app: APIFlask) -> None:
    """A name that many guess at opens where its person was before, and nowhere else."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    assert log_in(app, "correct horse", "10.1.1.1").status_code == 201
    answers = [log_in(app, "guess", f"10.9.{number}.1") for number in range(MAX_TRIES + 10)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [401] * (MAX_TRIES - 1) + [429] * 11
    check_error(log_in(app, "correct horse", "10.9.9.9"), 429, "too_many_failures")
    assert log_in(app, "correct horse", "10.1.1.1").status_code == 201


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("none", "none"),
    ],
)
def test_one_line_of_ipv6_is_one_address(address: str, network: str) -> None:
    """Its owner has as many of them as guesses are."""
    assert find_network(address) == network
