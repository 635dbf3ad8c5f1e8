"""Run Terraform, show its progress, and report failures in a sentence."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from python_terraform import IsFlagged, Terraform

from terraform.errors import CannotDeploy, explain, explain_diagnostic

OLDEST = (1, 10)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def check_terraform(folder: Path) -> None:
    """Raise CannotDeploy unless a recent enough Terraform is on PATH."""
    needed = f"Terraform {OLDEST[0]}.{OLDEST[1]} or later is needed"
    if shutil.which("terraform") is None:
        raise CannotDeploy(f"{needed} and none is on PATH; install it from terraform.io.")
    out = ask_terraform(folder, "version", "-json")
    found = re.search(r'"terraform_version": *"([0-9]+\.[0-9]+\.[^"]+)"', out)
    if found is None:
        raise CannotDeploy(f"{needed}, but the one on PATH does not report its version.")
    version = found[1]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise CannotDeploy(f"{needed} and {version} is on PATH; install a newer one.")


def ask_terraform(folder: Path, *command: str, empty: str | None = None) -> str:
    """What the command prints; an empty string if it fails with the error `empty`.

    Raises CannotDeploy for any other failure, so that an error is never taken for an answer.
    """
    code, out, errors = Terraform(str(folder)).cmd(*command)
    if code and not (empty and empty in errors):
        raise CannotDeploy(explain(re.sub(r"\x1b\[\d*m", "", errors or out)))
    return "" if code else str(out)


def show(text: str, *, lasting: bool = True) -> None:
    """Print a line of progress; the next overwrites one that is not `lasting`.

    Without a terminal only lasting lines are printed.
    """
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text[:width]}", end="\n" if lasting else "", flush=True)
    elif lasting:
        print(text, flush=True)


@contextlib.contextmanager
def forwarding_signals(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Interrupt Terraform once: at a second signal it would drop its work and its state.

    Terraform runs in its own session, so that the terminal's Ctrl-C reaches this process alone.
    """
    caught: list[int] = []

    def forward(number: int, frame: object) -> None:
        del frame
        if number == signal.SIGHUP:  # the terminal is gone, but Terraform must finish cleanly
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not caught:
            process.send_signal(signal.SIGINT)
        caught.append(number)
        os.write(sys.stdout.fileno(), b"\nTerraform is finishing what it has begun; wait ...\n")

    before = {number: signal.signal(number, forward) for number in STOP_SIGNALS}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Progress:
    """What a run has reported so far."""

    total: int
    """Changes that the run will make; a plan updates it."""

    done: int = 0
    planned: dict[str, str] = field(default_factory=dict)
    """Action by address."""

    errors: list[str] = field(default_factory=list)
    rest: str = ""
    """Output that is not JSON."""

    def read(self, line: str) -> None:
        """Take in a line of Terraform's output, and show it if a person wants to know."""
        try:
            event = json.loads(line)
        except ValueError:
            self.rest += line
            return
        kind, hook = event.get("type"), event.get("hook", {})
        if hook.get("action") == "read":
            return
        address = hook.get("resource", {}).get("addr", "")
        seconds = hook.get("elapsed_seconds", 0)
        if kind == "planned_change" and event["change"]["action"] not in ("read", "no-op"):
            self.planned[event["change"]["resource"]["addr"]] = event["change"]["action"]
        elif kind == "change_summary" and event["changes"]["operation"] == "plan":
            self.total = sum(event["changes"][name] for name in ("add", "change", "remove"))
            show(f"Plan: {summarise(self.planned)}.")
        elif kind == "apply_complete":
            self.done += 1
            show(f"[{self.done}/{self.total}] {address}: {hook['action']}d, {seconds} s")
        elif kind in ("apply_start", "apply_progress"):
            show(f"[{self.done}/{self.total}] {address} ... {seconds} s", lasting=False)
        elif kind == "refresh_start":
            show(f"Refreshing {address} ...", lasting=False)
        elif kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
            self.errors.append(explain_diagnostic(event["diagnostic"]))


def run_terraform(
    folder: Path,
    command: str,
    *arguments: str,
    targets: list[str] | None = None,
    variables: Mapping[str, str] | None = None,
    total: int = 0,
) -> dict[str, str]:
    """Run a command, show its progress, and return what it planned: action by address.

    `total` is the number of changes in a saved plan, which Terraform does not repeat. Raises
    CannotDeploy. python-terraform only builds the command line and its variables file: its own
    `Terraform.cmd` prints nothing until the end.
    """
    terraform = Terraform(str(folder))
    line = terraform.generate_cmd_string(
        command, *arguments, json=IsFlagged, input=False, target=targets, var=variables
    )
    progress = Progress(total)
    with subprocess.Popen(
        line,
        cwd=folder,
        env={**os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - PIPE above
        with forwarding_signals(process) as caught:
            for output in process.stdout:
                progress.read(output)
    terraform.temp_var_files.clean_up()
    if caught:
        raise CannotDeploy(
            "Stopped; the state records what was done, so run the same command again to go on, or "
            "destroy to go back."
        )
    if process.returncode:
        reasons = list(dict.fromkeys(progress.errors)) or [explain(progress.rest)]
        raise CannotDeploy("\n".join(reasons[:3]))
    return progress.planned


def summarise(planned: Mapping[str, str]) -> str:
    """The number of each action, and the names of up to 12 resources to delete or replace."""
    counts = Counter(planned.values())
    text = ", ".join(f"{count} to {action}" for action, count in counts.items()) or "no changes"
    gone = [address for address, action in planned.items() if action in ("delete", "replace")]
    return f"{text} ({', '.join(gone)})" if 0 < len(gone) <= 12 else text
