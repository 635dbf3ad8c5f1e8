"""Uploads that still exist. One is deleted after its film, which is written after the result."""

import time
from pathlib import Path

GONE_SECONDS = 60
"""Generous, for a busy machine."""


def wait_until_deleted(images: Path) -> None:
    """Wait until the image store in `images` has no upload any more."""
    end = time.monotonic() + GONE_SECONDS
    while left := list((images / "incoming").iterdir()):
        assert time.monotonic() < end, f"{left} outlived their end state"
        time.sleep(0.1)
