"""`local.parts`: files with secrets are replaced completely or not at all."""

import stat
from pathlib import Path

import pytest

from local.parts import write_secret
from tests.pneumonia_api.full_disk import full_disk


def test_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Even where a killed start left a file that others may read."""
    left = tmp_path / "api-key.new"
    left.write_text("half")
    left.chmod(0o644)
    with left.open() as opened_before:
        write_secret(tmp_path / "api-key", "secret")
        assert opened_before.read() == "half"
    assert (tmp_path / "api-key").read_text() == "secret"
    assert stat.S_IMODE((tmp_path / "api-key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["api-key"]


def test_files_of_one_stem_do_not_share_a_scratch_file(tmp_path: Path) -> None:
    """`redis.conf` and another `redis.*` are two files."""
    (tmp_path / "redis.new").write_text("somebody's")
    write_secret(tmp_path / "redis.conf", "port 1")
    assert (tmp_path / "redis.new").read_text() == "somebody's"


def test_secret_stays_what_it_was_when_the_disk_is_full(tmp_path: Path) -> None:
    """The error is raised, and nothing half written is left."""
    write_secret(tmp_path / "env", "A=1\n")
    with full_disk(), pytest.raises(OSError, match="large"):
        write_secret(tmp_path / "env", "A=2\n" * 64 * 1024)
    assert (tmp_path / "env").read_text() == "A=1\n"
    assert [file.name for file in tmp_path.iterdir()] == ["env"]
