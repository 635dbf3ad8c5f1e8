"""`model.serving.durable`: complete or absent, even after a kill."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from model.serving.durable import copy_file, install_folder, make_scratch, write_file
from tests.stack import ROOT

INSTALLING = """
import sys
from pathlib import Path
from model.serving.durable import install_folder, make_scratch

folder = Path(sys.argv[1])
while True:
    for kind in b"ab":
        with make_scratch(folder) as scratch:
            made = Path(scratch, "made")
            made.mkdir()
            for name in "123":
                (made / name).write_bytes(bytes([kind]) * 2_000_000)
            install_folder(made, folder / "final")
        print(flush=True)
"""


def test_killed_install_leaves_a_whole_folder_or_none(tmp_path: Path) -> None:
    """SIGKILL at any moment never leaves a mixture or a partial folder."""
    for delay in (0, 0.01, 0.02, 0.03, 0.05, 0.08):
        process = subprocess.Popen(
            [sys.executable, "-c", INSTALLING, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()
        process.communicate()
        if (tmp_path / "final").exists():
            files = [path.read_bytes() for path in sorted((tmp_path / "final").iterdir())]
            assert files in ([b"a" * 2_000_000] * 3, [b"b" * 2_000_000] * 3)


def test_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """A failed write also leaves no scratch file."""
    file = tmp_path / "current"
    write_file(file, b"old")
    with pytest.raises(FileNotFoundError):
        copy_file(tmp_path / "nothing", file)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_installed_folder_replaces_another(tmp_path: Path) -> None:
    """No file of the old folder remains."""
    for name in ("one", "two"):
        with make_scratch(tmp_path) as scratch:
            (Path(scratch) / "made").mkdir()
            (Path(scratch) / "made" / name).touch()
            install_folder(Path(scratch) / "made", tmp_path / "final")
    assert [path.name for path in (tmp_path / "final").iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [tmp_path / "final"]
