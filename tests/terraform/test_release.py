"""The archive of the release."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from terraform.errors import CannotDeploy
from terraform.release import build_release
from tests.stack import ROOT


def test_archive_is_the_commit_and_always_the_same(tmp_path: Path) -> None:
    """The archive is reproducible and contains exactly the files of HEAD."""
    one, two = (build_release(ROOT, tmp_path / name) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    files = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(one) as archive:
        packed = {member.name for member in archive if member.isfile()}
    assert packed == set(files.stdout.decode().splitlines())
    with pytest.raises(CannotDeploy, match="work in a clone"):
        build_release(tmp_path, tmp_path)
