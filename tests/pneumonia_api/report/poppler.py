"""A PDF as programs of others read it: poppler's."""

import subprocess
from pathlib import Path


def run(program: str, *arguments: str | Path) -> str:
    """What it prints."""
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert not done.stderr  # poppler writes there what it does not understand
    return done.stdout


def read_text(file: Path) -> str:
    """The text, with one space for each gap."""
    return " ".join(run("pdftotext", file, "-").split())


def list_fonts(file: Path) -> list[dict[str, str]]:
    """Of each font its name, and whether it is embedded, a subset and has Unicode values."""
    lines = run("pdffonts", file).splitlines()[2:]
    return [
        {
            "name": line.split()[0],
            **dict(zip(("emb", "sub", "uni"), line.split()[-5:-2], strict=True)),
        }
        for line in lines
    ]


def list_tags(file: Path) -> list[str]:
    """The kinds of the elements of its structure, in reading order."""
    tags = run("pdfinfo", "-struct-text", file).splitlines()
    return [line.split()[0] for line in tags if line.strip() and not line.strip().startswith('"')]
