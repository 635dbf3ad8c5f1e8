"""The lines of `monitoring.logs.lines`, and those of other programs among them, for a person."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

COLOURS = {"warning": 33, "error": 31, "critical": 31}
GREY = 90

# How supervisord and Valkey begin a line: local time.
_TIMES = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"), "%Y-%m-%d %H:%M:%S,%f"),
    (re.compile(r"\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}"), "%d %b %Y %H:%M:%S.%f"),
)


@dataclass(frozen=True)
class Line:
    """One line of a log; another program's has its text as message and nothing else."""

    time: datetime
    service: str
    message: str
    level: str = "info"
    traceback: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def read_line(text: str, service: str, otherwise: datetime) -> Line:
    """The line that `text` is; `service` and the time `otherwise` are for one that has none."""
    # Before it may be what journald or syslog put there.
    if (begin := text.find('{"time": "')) >= 0:
        try:
            fields = json.loads(text[begin:])
            time = datetime.fromisoformat(fields.pop("time"))
            if time.tzinfo is None:
                raise ValueError("a time without a zone has no place among the others")
            return Line(
                time,
                str(fields.pop("service")),
                fields.pop("message"),
                fields.pop("level"),
                fields.pop("traceback", ""),
                fields,
            )
        except (ValueError, KeyError):
            pass  # cut off, or made by nobody of ours: shown as it is
    for pattern, form in _TIMES:
        if found := pattern.search(text[:50]):
            message = (text[: found.start()].rstrip() + text[found.end() :]).strip()
            return Line(datetime.strptime(found[0], form).astimezone(UTC), service, message)
    return Line(otherwise, service, text)


def read_lines(texts: Iterable[str], service: str, otherwise: datetime) -> list[Line]:
    """The lines of one file; one without a time has that of the line before it.

    Those at the beginning have that of the first line with a time, or `otherwise`.
    """
    lines = []
    unknown = datetime.min.replace(tzinfo=UTC)
    last = unknown
    for text in texts:
        lines.append(read_line(text, service, last))
        last = lines[-1].time
    first = next((line.time for line in lines if line.time != unknown), otherwise)
    return [
        line if line.time != unknown else Line(first, line.service, line.message) for line in lines
    ]


def show(line: Line, colour: bool) -> str:
    """Local time, service, message, fields; a traceback is indented below."""

    def paint(text: str, code: int | None) -> str:
        return f"\033[{code}m{text}\033[0m" if colour and code else text

    time = line.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
    message = line.message if line.level == "info" else f"{line.level.upper()} {line.message}"
    fields = "  ".join(f"{name}={value}" for name, value in line.fields.items())
    shown = [
        paint(time, GREY),
        f"{line.service:<11}",
        paint(message, COLOURS.get(line.level)),
        *([paint(fields, GREY)] if fields else []),
    ]
    below = "".join(f"\n    {text}" for text in line.traceback.splitlines())
    return "  ".join(shown) + below


class Choice:
    """Which texts are wanted: those with one id, and those of the requests it came in.

    An X-ray's id is not in nginx's line of its upload, but the id of the request is in both.
    """

    def __init__(self, wanted: str) -> None:
        self._ids = {wanted}

    def __call__(self, text: str) -> bool:
        """Whether `text` has one of the ids; learns the request's from it."""
        if not any(known in text for known in self._ids):
            return False
        if found := re.search(r'"request": "([0-9a-f]{32})"', text):
            self._ids.add(found[1])
        return True
