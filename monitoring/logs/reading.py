"""Parses the lines of our services and of other programs, and formats them for people."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

COLOURS = {"warning": 33, "error": 31, "critical": 31}
GREY = 90

# Timestamps of supervisord and Valkey, in local time.
_TIMES = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"), "%Y-%m-%d %H:%M:%S,%f"),
    (re.compile(r"\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}"), "%d %b %Y %H:%M:%S.%f"),
)


@dataclass(frozen=True)
class Line:
    """One line of a log; a line of another program has only a message."""

    time: datetime
    service: str
    message: str
    level: str = "info"
    traceback: str = ""
    fields: dict[str, object] = field(default_factory=dict)


def read_line(text: str, service: str, otherwise: datetime) -> Line:
    """Parse `text`; a line without service or time gets `service` and the time `otherwise`."""
    # journald or syslog may have put a prefix before the JSON.
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
            pass  # truncated, or not in our format: show it as it is
    for pattern, form in _TIMES:
        if found := pattern.search(text[:50]):
            message = (text[: found.start()].rstrip() + text[found.end() :]).strip()
            return Line(datetime.strptime(found[0], form).astimezone(UTC), service, message)
    return Line(otherwise, service, text)


def read_lines(texts: Iterable[str], service: str, otherwise: datetime) -> list[Line]:
    """Parse the lines of one file; a line without a time gets that of the line before it.

    Lines before the first time get that time; if there is none, all get `otherwise`.
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
    """Format as local time, service, message and fields, with the traceback indented below."""

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
    """A filter for the lines of one id, and of all requests whose lines contain it.

    nginx's line of an upload lacks the id of the X-ray, but has the id of the request, as the line
    of the API has.
    """

    def __init__(self, wanted: str) -> None:
        self._ids = {wanted}

    def __call__(self, text: str) -> bool:
        """Whether `text` has one of the ids; remembers the request id of a matching line."""
        if not any(known in text for known in self._ids):
            return False
        if found := re.search(r'"request": "([0-9a-f]{32})"', text):
            self._ids.add(found[1])
        return True
