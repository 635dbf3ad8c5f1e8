"""`model.serving.core`: a process that opened several models can still be stopped."""

import subprocess
import sys

from tests.stack import ROOT
from tests.variant import SERVING, SHIPPED

SWITCHING = f"""
import gc, os, signal
from pathlib import Path
from model.serving.predictor import Predictor

signal.signal(signal.SIGTERM, lambda number, frame: print("stops"))
for _ in range(2):
    predictor = Predictor(Path({str(SHIPPED)!r}), Path({str(SERVING)!r}))
del predictor
gc.collect()
used = [bytearray(20_000) for _ in range(2000)]
os.kill(os.getpid(), signal.SIGTERM)
"""
"""What was freed is used again before the signal comes."""


def test_process_that_opened_and_closed_models_handles_its_signals() -> None:
    """A worker that switched its model drains at SIGTERM; it does not die of SIGSEGV."""
    done = subprocess.run(
        [sys.executable, "-c", SWITCHING], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "stops\n"), done.stderr
