"""`supervision.py`: what is reported to the person at the terminal."""

import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT


def test_sentence_that_finds_no_room_ends_nothing() -> None:
    """The terminal may be a file on the disk that is full."""
    code = "import sys, supervision; supervision.report('full'); print('on', file=sys.stderr)"
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.stderr.startswith("on\n")
