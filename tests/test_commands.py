"""Every command that a document, a unit, a script or a message names can be run."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT

TEXTS = (".md", ".py", ".service", ".sh", ".tf", ".template", ".yml", "Makefile")
COMMANDS = (
    r'python3?\}?"?(?:\s+-[A-Za-z])*\s+-m\s+([a-z_][\w.]*\w)',
    r'"-m", "([a-z_][\w.]*\w)"',
)
LOADED = (
    r"celery\s+-A\s+([a-z_][\w.]*\w)",
    r"--app\s+([a-z_][\w.]*\w)",
    r"gunicorn\s.*\s([a-z_]\w*\.[\w.]*\w):app\b",
)
"""Modules that Celery, Flask and gunicorn import."""

WITHOUT_OPTIONS = {
    "model.cage.nursery",
    "monitoring.grafana.build",
    "tests.monitoring.catalogue",
    "tests.pneumonia_web.catalogue",
    "tests.rehearsal.rehearse",
}
"""Commands that start their work whatever the arguments."""


def list_files() -> list[Path]:
    """The committed files that may name a command; tests run their own."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [ROOT / name for name in names if name.endswith(TEXTS) and not name.startswith("tests/")]


def list_modules(text: str, patterns: tuple[str, ...] = (*COMMANDS, *LOADED)) -> set[str]:
    """The modules that the commands in a text name."""
    return {found for pattern in patterns for found in re.findall(pattern, text)}


def find_source(module: str) -> Path | None:
    """The file that `python -m MODULE` runs, or None."""
    try:
        spec = importlib.util.find_spec(module)
        if spec and spec.submodule_search_locations:
            spec = importlib.util.find_spec(f"{module}.__main__")
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


NAMED = sorted(
    {(module, file) for file in list_files() for module in list_modules(file.read_text())}
)
OURS = tuple(f"{path.name}." for path in ROOT.iterdir() if path.is_dir())
TYPED = sorted(
    {
        module
        for file in list_files()
        for module in list_modules(file.read_text(), COMMANDS)
        if module.startswith(OURS)
    }
)


@pytest.mark.parametrize(
    ("module", "file"),
    [pytest.param(*one, id=f"{one[1].relative_to(ROOT)}: {one[0]}") for one in NAMED],
)
def test_named_module_exists(module: str, file: Path) -> None:
    """A module that was moved is found under its new name in every file that names it."""
    assert find_source(module), f"{file.relative_to(ROOT)} names {module}, which does not exist"


@pytest.mark.parametrize("module", TYPED)
def test_named_command_runs(module: str) -> None:
    """`python -m MODULE --help` succeeds; a module without options has at least an entry point."""
    source = find_source(module)
    assert source
    if module in WITHOUT_OPTIONS:
        assert 'if __name__ == "__main__":' in source.read_text()
        return
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")


def test_module_that_does_not_exist_is_found() -> None:
    """The search itself: each way of naming a module, over a line's end too."""
    text = """
    Run `python -m
    model.report`, or `sudo python3 -E -s -m model.card ID`.
    ExecStart=${python} -m gunicorn -c config.py pneumonia_api.apps:app
    exec "$python" -m flask --app pneumonia_api.apis users
    ${python} -m celery -A pneumonia_api.tasks worker
    command = [sys.executable, "-m", "model.training_job"]
    """
    assert list_modules(text) - {"gunicorn", "flask", "celery"} == {
        *("model.report", "model.card", "model.training_job"),
        *("pneumonia_api.apps", "pneumonia_api.apis", "pneumonia_api.tasks"),
    }
    assert not any(find_source(module) for module in ("model.report", "model.card", "no_such.one"))
    assert find_source("model.network") == ROOT / "model" / "network" / "__main__.py"
