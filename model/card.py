"""The model card of one artifact."""
from pathlib import Path
from model.artifact import Artifact
def write_card(folder: Path, artifact: Artifact) -> None:
    """stub for the first run"""
