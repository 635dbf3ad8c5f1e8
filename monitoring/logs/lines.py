"""The log format of every service and its libraries: one JSON object for each line.

    {"time": "2026-01-31T07:30:00.250+00:00", "level": "info", "service": "worker",
     "message": "judged", "request": "4bf9...", "xray": "0198...", "status": "done", "seconds": 0.1}

No patient data: a message is a fixed text, and values are only those passed in `fields`.
"""

import json
import logging
import logging.config
import re
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

# These messages of gunicorn quote the request, including its query.
_QUOTES = re.compile(r"(Invalid request from ip=[\w.:]*\w|Error handling request).*", re.DOTALL)


class JsonLines(logging.Formatter):
    """A record as JSON, with the id of the current request or task from `find_request_id`."""

    def __init__(self, service: str, find_request_id: Callable[[], str | None]) -> None:
        super().__init__()
        self._service = service
        self._find_request = find_request_id

    def format(self, record: logging.LogRecord) -> str:
        """The record in one line, including its traceback."""
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
            # The text of an error may quote what a person typed or sent; outside a request it is
            # safe, and says, for example, which setting is missing.
            trace = _trace(error) if request or quoted else traceback.format_exception(error)
            line["traceback"] = "".join(trace).rstrip()
        return json.dumps(line)


def _trace(error: BaseException) -> list[str]:
    """The traceback of an error with its type but without its text; causes first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [*_trace(cause), "then\n"] if cause else []
    return [*before, *traceback.format_tb(error.__traceback__), f"{type(error).__qualname__}\n"]


def write_lines(service: str, find_request_id: Callable[[], str | None]) -> None:
    """Log as JSON to standard error in this process, all libraries included; idempotent."""
    lines = {"()": JsonLines, "service": service, "find_request_id": find_request_id}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": lines},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
            # gunicorn gives this logger a handler and a format of its own.
            "loggers": {"gunicorn.error": {"handlers": [], "propagate": True}},
        }
    )
