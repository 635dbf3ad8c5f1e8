"""`requirements.txt`, the lock that `make lock` writes."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.stack import ROOT

LINES = (ROOT / "requirements.txt").read_text().splitlines()


def test_every_line_pins_one_version_and_names_no_host() -> None:
    """`name==version`, with a marker at most: no URL, no option, no index of one machine."""
    for line in LINES:
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==[0-9a-z.]+( ; [\w<>!=' .()]+)?", line), line


def test_lock_satisfies_what_is_asked_for() -> None:
    """Every requirement of every extra is pinned to a version that it allows."""
    pins: dict[str, list[str]] = {}
    for line in LINES:
        pin = Requirement(line)
        pins.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier)[2:])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in project["optional-dependencies"].values():
        for requirement in map(Requirement, extra):
            for version in pins[canonicalize_name(requirement.name)]:
                assert requirement.specifier.contains(version), requirement
