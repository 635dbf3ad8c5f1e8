"""The rule for when the audit cannot be written: what cannot be recorded is not answered."""

from collections.abc import Iterator

import pytest
import redis
from apiflask import APIFlask

from pneumonia_api.metrics import AUDIT_FAILURES
from pneumonia_api.records.record import XrayRecord
from tests.pictures import picture
from tests.pneumonia_api.audit.lines import list_actions
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error


@pytest.fixture
def full(client: redis.Redis) -> Iterator[redis.Redis]:
    """A Redis that reads and deletes, and takes nothing new."""
    yield client
    client.config_set("maxmemory", 0)


def count_failures() -> float:
    """How many answers were withheld in this process."""
    return float(AUDIT_FAILURES._value.get())


def test_nothing_is_shown_that_cannot_be_recorded(
    app: APIFlask, call: Call, judged: XrayRecord, full: redis.Redis
) -> None:
    """Neither a record nor a list nor an image; and it is shown once Redis takes the line."""
    app.extensions["images"].write_preview(judged.id, picture())
    full.config_set("maxmemory", 1)
    before = count_failures()
    paths = [f"/v1/xrays/{judged.id}", "/v1/xrays", f"/v1/xrays/{judged.id}/preview"]
    for path in paths:
        answer = call("ann", "GET", path)
        check_error(answer, 503, "audit_unavailable")
        assert answer.headers["Retry-After"] == "30"
        assert answer.headers["Cache-Control"] == "no-store"
        assert judged.id not in answer.text
    assert count_failures() - before == len(paths)
    full.config_set("maxmemory", 0)
    for path in paths:
        assert call("ann", "GET", path).status_code == 200
    assert [action for _, action, _ in list_actions(full)] == [
        *("see_xray", "list_xrays", "see_image")
    ]


def test_what_says_nothing_of_anybody_is_answered_all_the_same(
    app: APIFlask, call: Call, judged: XrayRecord, full: redis.Redis
) -> None:
    """Probes and the state of the site; a refusal stays one."""
    full.config_set("maxmemory", 1)
    check_error(call("ann", "DELETE", f"/v1/xrays/{judged.id}"), 403, "not_allowed")
    assert app.test_client().get("/livez").status_code == 200
    assert call("ann", "GET", "/v1/site").status_code == 200


def test_a_change_that_was_made_is_not_confirmed(
    call: Call, full: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """Its sender hears that it may have been made, and the log has the line that the audit has
    not."""
    full.config_set("maxmemory", 1)
    answer = call("ann", "DELETE", "/v1/sessions/current")
    check_error(answer, 503, "audit_unavailable")
    assert "may have been made" in answer.json["error"]["message"]
    assert "not in the audit: log_out" in caplog.text
    full.config_set("maxmemory", 0)
    check_error(call("ann", "GET", "/v1/site"), 401, "not_logged_in")


def test_an_answer_needs_one_round_trip_more(
    app: APIFlask, call: Call, judged: XrayRecord, client: redis.Redis
) -> None:
    """And a viewing that was just recorded none."""

    def count_commands() -> int:
        stats = client.info("commandstats")
        return int(stats.get("cmdstat_xadd", {"calls": 0})["calls"])

    def list_commands() -> set[str]:
        return {name for name in client.info("commandstats") if "xadd" not in name}

    call("ann", "GET", "/v1/xrays")  # all that is read once is read
    path, before, known = f"/v1/xrays/{judged.id}", count_commands(), list_commands()
    call("ann", "GET", path)
    call("ann", "GET", path)
    assert count_commands() - before == 1
    assert list_commands() - known <= {"cmdstat_info"}
