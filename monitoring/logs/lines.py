"""What every service writes: one JSON object for each line of the log, whichever library speaks.

    {"time": "2026-01-31T07:30:00.250+00:00", "level": "info", "service": "worker",
     "message": "judged", "request": "4bf9...", "xray": "0198...", "status": "done", "seconds": 0.1}

No patient's data: a message is our own text, and its values are only those named in `fields`.
"""

import json
import logging
import logging.config
import re
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

# gunicorn quotes what it could not read or answer, query and all.
_QUOTES = re.compile(r"(Invalid request from ip=[\w.:]*\w|Error handling request).*", re.DOTALL)


class JsonLines(logging.Formatter):
    """A record as JSON; `find_request_id` tells the id of the request or task at hand, or None."""

    def __init__(self, service: str, find_request_id: Callable[[], str | None]) -> None:
        super().__init__()
        self._service = service
        self._find_request = find_request_id

    def format(self, record: logging.LogRecord) -> str:
        """The record in one line, its traceback included."""
        request, message = self._find_request(), record.getMessage()
        quoted = _QUOTES.fullmatch(message) if record.name == "gunicorn.error" else None
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "message": quoted[1] if quoted else message,
            **({"request": request} if request else {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and (error := record.exc_info[1]):
            # What is raised while somebody is served may quote what they typed or sent; at the
            # start it says which setting is missing.
            told = _trace(error) if request or quoted else traceback.format_exception(error)
            line["traceback"] = "".join(told).rstrip()
        return json.dumps(line)


def _trace(error: BaseException) -> list[str]:
    """Where it was raised and what kind of error it is, without its text; causes first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [*_trace(cause), "then\n"] if cause else []
    return [*before, *traceback.format_tb(error.__traceback__), f"{type(error).__qualname__}\n"]


def write_lines(service: str, find_request_id: Callable[[], str | None]) -> None:
    """Write all that this process logs as JSON to standard error; may be called again."""
    lines = {"()": JsonLines, "service": service, "find_request_id": find_request_id}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": lines},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
            # Beside the root's it has a handler of its own, for a format of its own.
            "loggers": {"gunicorn.error": {"handlers": [], "propagate": True}},
        }
    )
