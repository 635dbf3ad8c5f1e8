"""`model.serving.export`: deriving an export in a process of its own."""

from pathlib import Path

import pytest

from model.serving.export import ExportFailed, derive_export


def test_failed_derivation_keeps_what_the_process_printed(tmp_path: Path) -> None:
    """So a service that starts can log it; nothing is left that looks like an export."""
    with pytest.raises(ExportFailed) as failed:
        derive_export(tmp_path / "nothing", tmp_path / "serving")
    assert "pneumonia.json" in failed.value.output
    assert not list((tmp_path / "serving").glob("*/*"))
