"""One part of the bench: what it measures, and what it says about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import Row
from tests.bench.workbench import Workbench


def no_appendix(found: Any) -> str:
    """A section that needs nothing but its rows."""
    return ""


@dataclass(frozen=True)
class Section:
    """`measure` returns what goes into var/bench.json under `name`; `rows` and `appendix` format
    it: lines of the table, and Markdown below the table. `doing` is shown meanwhile."""

    name: str
    doing: str
    measure: Callable[[Workbench], Any]
    rows: Callable[[Any], list[Row]]
    appendix: Callable[[Any], str] = no_appendix
