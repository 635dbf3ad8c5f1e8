"""The report of a rehearsal: one line for each check, printed and kept in a file."""

import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Report:
    """The report; `began` is a time of time.monotonic()."""

    file: Path
    began: float = field(default_factory=time.monotonic)
    passed: int = 0
    failed: int = 0

    def head(self, title: str) -> None:
        """Begin a new part."""
        self._write(f"\n{title}")

    def check(self, what: str, fault: str = "", detail: str = "") -> None:
        """Write a check, which passes if there is no `fault`."""
        seconds = time.monotonic() - self.began
        self.passed += not fault
        self.failed += bool(fault)
        text = fault or detail
        mark = "FAILED" if fault else "ok    "
        self._write(f"{mark} {seconds:5.0f} s  {what}{': ' if text else ''}{text}")

    def close(self) -> int:
        """Write the last line; return the exit code."""
        seconds = time.monotonic() - self.began
        self._write(f"\n{self.passed} passed, {self.failed} failed in {seconds / 60:.1f} minutes")
        return 1 if self.failed or not self.passed else 0

    def _write(self, line: str) -> None:
        print(line, flush=True)
        with self.file.open("a") as file:
            file.write(f"{line}\n")
