"""What a rehearsal saw, one line a check, as it goes and kept in a file."""

import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Report:
    """Lines so far; `began` is a monotonic second."""

    file: Path
    began: float = field(default_factory=time.monotonic)
    passed: int = 0
    failed: int = 0

    def head(self, title: str) -> None:
        """A new part."""
        self._write(f"\n{title}")

    def check(self, what: str, fault: str = "", detail: str = "") -> None:
        """One line: it holds when there is no `fault`."""
        seconds = time.monotonic() - self.began
        self.passed += not fault
        self.failed += bool(fault)
        said = fault or detail
        mark = "FAILED" if fault else "ok    "
        self._write(f"{mark} {seconds:5.0f} s  {what}{': ' if said else ''}{said}")

    def close(self) -> int:
        """The last line; the exit code."""
        seconds = time.monotonic() - self.began
        self._write(f"\n{self.passed} passed, {self.failed} failed in {seconds / 60:.1f} minutes")
        return 1 if self.failed or not self.passed else 0

    def _write(self, line: str) -> None:
        print(line, flush=True)
        with self.file.open("a") as file:
            file.write(f"{line}\n")
