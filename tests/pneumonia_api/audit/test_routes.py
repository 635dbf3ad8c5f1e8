"""The table of what each call of the API is in the audit."""

from apiflask import APIFlask

from pneumonia_api.audit.events import Action
from pneumonia_api.audit.routes import AUDITS, FORGOTTEN, Audited, Unaudited, find_audit
from tests.pneumonia_api import walking


def test_every_route_has_a_row_and_no_row_is_without_a_route(app: APIFlask) -> None:
    """Who adds a route decides what it is in the audit."""
    assert {f"{route.method} {route.template}" for route in walking.list_routes(app)} == {*AUDITS}


def test_a_route_without_a_row_is_recorded_all_the_same() -> None:
    """As a call, by its template."""
    assert find_audit("GET", "/v1/forgotten") is FORGOTTEN


def test_only_what_changes_nothing_may_be_recorded_once_for_several_times() -> None:
    """Each change is a line of its own."""
    for name, row in AUDITS.items():
        if isinstance(row, Audited) and row.repeats:
            assert name.startswith("GET ")


def test_what_shows_an_x_ray_is_recorded() -> None:
    """And whatever is not has a reason that can be read."""
    for name, row in AUDITS.items():
        if isinstance(row, Unaudited):
            assert "xray" not in name
            assert len(row.reason) > 15


def test_no_row_names_what_patients_are_known_by() -> None:
    """References, notes, readings and searches stay out of the audit."""
    kept = {name for row in AUDITS.values() if isinstance(row, Audited) for name in row.detail}
    assert not kept & {"reference", "note", "label", "q", "password", "code", "token", "seconds"}


def test_a_head_is_as_its_get() -> None:
    """A head of an image tells that it is there."""
    assert find_audit("HEAD", "/v1/xrays/<xray_id>/film") == Audited(Action.SEE_FILM, repeats=True)
