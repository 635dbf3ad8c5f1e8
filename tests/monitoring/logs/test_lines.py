"""`monitoring.logs.lines`: what a line contains, and what it never contains."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from monitoring.logs.lines import JsonLines


def write(name: str, request: str | None, message: str, *args: object, **more: Any) -> Any:
    """The parsed log line of a record of the logger `name`."""
    record = logging.LogRecord(name, logging.WARNING, "", 1, message, args, more.pop("exc", None))
    record.__dict__.update(more)
    text = JsonLines("api", lambda: request).format(record)
    assert "\n" not in text
    return json.loads(text)


def fail_to_read() -> Any:
    """An error that quotes what was typed, and whose cause quotes it, too."""
    try:
        try:
            int("DOE")
        except ValueError as error:
            raise LookupError("no such thing as DOE") from error
    except LookupError:
        return sys.exc_info()


def test_line_has_time_level_service_message_and_fields() -> None:
    """The time is in UTC, in milliseconds; of what libraries add only known fields are written."""
    before = datetime.now(UTC)
    line = write("x", "1f", "%d of\n%s", 2, "them", fields={"xray": "7"}, data={"args": "DOE"})
    assert abs((datetime.fromisoformat(line["time"]) - before).total_seconds()) < 10
    assert len(line.pop("time")) == len("2026-01-31T07:30:00.250+00:00")
    assert line == {
        "level": "warning",
        "service": "api",
        "message": "2 of\nthem",
        "request": "1f",
        "xray": "7",
    }


def test_error_in_a_request_is_logged_without_its_text() -> None:
    """Frames and types of both errors, in one line, without their texts, which may be a name."""
    line = write("x", "1f", "broken", exc=fail_to_read())
    assert "DOE" not in json.dumps(line).replace('int(\\"DOE\\")', "").replace("as DOE", "")
    last = line["traceback"].splitlines()
    assert last[-1] == "LookupError"
    assert "ValueError" in last
    assert "in fail_to_read" in line["traceback"]


def test_error_at_the_start_is_logged_with_its_text() -> None:
    """It names the missing setting, and outside a request it quotes no user."""
    line = write("gunicorn.error", None, "Exception in worker process", exc=fail_to_read())
    assert line["traceback"].endswith("LookupError: no such thing as DOE")


def test_gunicorn_does_not_quote_requests() -> None:
    """Quoted requests and the texts of errors are left out; other lines of gunicorn stay."""
    line = write("gunicorn.error", None, "Invalid request from ip=::1: '/v1/xrays?q=J DOE'")
    assert line["message"] == "Invalid request from ip=::1"
    message = "Error handling request %s %s"
    line = write("gunicorn.error", None, message, "GET", "/?q=DOE", exc=fail_to_read())
    assert line["message"] == "Error handling request"
    assert line["traceback"].splitlines()[-1] == "LookupError"
    assert write("gunicorn.error", None, "Booting %d", 7)["message"] == "Booting 7"
