"""One side of a comparison: a separate process with its own runtime that works on request.

It sleeps in between, so that all sides can run together and take turns block by block. Other load
on the machine then affects all of them alike, and the ratios stay fair.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


class SideEnded(RuntimeError):
    """The process ended without an answer; its stderr has the reason."""


class Side:
    """The requesting end: `with Side("tests.bench.yardstick", ...) as side: side.ask(count=3)`."""

    def __init__(self, module: str, *arguments: object) -> None:
        """Start the module and return when it is ready."""
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def ask(self, **request: Any) -> Any:
        """The answer to one request. Raises SideEnded."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SideEnded(f"{self._module} ended with {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        # It ends when its input ends.
        self._process.communicate(timeout=30)


def serve(answer: Callable[..., Any]) -> None:
    """The answering end: report ready, then answer each line of JSON with one line of JSON."""
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)
