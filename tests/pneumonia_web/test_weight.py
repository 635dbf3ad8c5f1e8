"""What a result page costs the network before its image."""

import gzip

from tests.stack import ROOT

STATIC = ROOT / "pneumonia_web" / "static"


def weigh(*patterns: str) -> int:
    """Bytes of the files, each compressed as nginx compresses it."""
    files = [file for pattern in patterns for file in STATIC.glob(pattern)]
    assert files
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)


def test_viewer_is_light() -> None:
    """Less than 60 KB with the heat map; a library would be 87 to 853 KB."""
    assert weigh("viewer*.js", "heatmap.js") < 60_000


def test_page_is_light() -> None:
    """All scripts and styles of all pages: less than 300 KB."""
    assert weigh("*.js", "*.css") < 300_000
