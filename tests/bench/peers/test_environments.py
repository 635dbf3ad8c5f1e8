"""The pinned packages of the peers, and their installation."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.bench.peers import environments
from tests.bench.peers.catalogue import SERVICES, Peer
from tests.bench.peers.environments import CannotInstall, find_requirements, make_environment
from tests.stack import ROOT

NAMES = sorted({peer.environment for peer, _ in SERVICES if isinstance(peer, Peer)} - {""})


def read_pins(file: Path) -> set[str]:
    """The lines, without comments."""
    return {line for line in file.read_text().splitlines() if line and not line.startswith("#")}


@pytest.fixture(scope="module")
def needed() -> set[str]:
    """The packages that the project's modules import for a peer's work: their names on PyPI."""
    script = (
        "import sys, tests.bench.peers.work\n"
        "names = ('model.', 'tests.')\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith(names) and m.__file__))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    trees = [ast.parse(Path(file).read_text()) for file in ended.stdout.split()]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    packages = packages_distributions()
    others = {name.partition(".")[0] for name in names} - {"model", "tests"}
    return {package.lower() for name in others for package in packages.get(name, ())}


@pytest.mark.parametrize("name", NAMES)
def test_peers_have_what_their_work_imports(name: str, needed: set[str]) -> None:
    """OpenVINO and the decoders in the version of the project's lock: services are compared."""
    lock, pinned = read_pins(ROOT / "requirements.txt"), read_pins(find_requirements(name))
    assert {"openvino", "pillow", "isal", "numpy"} <= needed
    assert needed <= {line.partition("==")[0] for line in pinned}
    wanted = {line for line in lock if line.startswith(("openvino==", "pillow==", "isal=="))}
    assert len(wanted) == 3
    assert wanted <= pinned


@pytest.mark.parametrize("name", NAMES)
def test_every_package_is_pinned(name: str) -> None:
    """Another day's run compares the same versions."""
    assert all("==" in line for line in read_pins(find_requirements(name)))


def test_what_cannot_be_installed_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bench goes on without that peer, and prints pip's reason."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("./not-a-package\n")
    monkeypatch.setattr(environments, "find_requirements", lambda name: requirements)
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    with pytest.raises(CannotInstall, match="not-a-package") as raised:
        make_environment("none")
    assert "\n" not in str(raised.value)
    with pytest.raises(CannotInstall):  # a half-made environment is not taken for a whole one
        make_environment("none")


def test_an_environment_is_made_once_and_again_when_its_packages_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run of the bench starts at once."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# none\n")
    monkeypatch.setattr(environments, "find_requirements", lambda name: requirements)
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    python = make_environment("none")
    assert python.exists()
    made = python.lstat().st_mtime_ns
    assert make_environment("none").lstat().st_mtime_ns == made
    requirements.write_text("# none, in another way\n")
    assert make_environment("none").lstat().st_mtime_ns != made
    assert str(python) != sys.executable
