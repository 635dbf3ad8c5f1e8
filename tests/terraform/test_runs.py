"""Queries to Terraform."""

import shutil
from pathlib import Path

import pytest

from terraform.errors import CannotDeploy
from terraform.runs import ask_terraform

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")


# python-terraform calls its logger that way.
@pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")
def test_state_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    """A failed query is not mistaken for an empty state."""
    (tmp_path / "terraform.tfstate").write_text('{"version": 99}')
    with pytest.raises(CannotDeploy, match="state"):
        ask_terraform(tmp_path, "state", "list", empty="No state file was found")
    (tmp_path / "terraform.tfstate").unlink()
    assert ask_terraform(tmp_path, "state", "list", empty="No state file was found") == ""
