"""`make samples`: 16 real chest X-rays in a folder, to try and test the system with.

They are the validation images of Kermany et al. 2018 (doi 10.17632/rscbjbr9sj, CC BY 4.0), carried
by the wheel pneumonia-model-package. Nothing of that package is installed or run.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "pneumonia-model-package==0.3.0"
FOLDER = "pneumonia_model_package/datasets/pneumonia-data/val/"
COUNT = 16


def fetch_samples(target: Path) -> None:
    """Download the wheel and unzip the images, flat, into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", scratch]
        subprocess.run([*command, WHEEL], check=True)
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            names = [n for n in wheel.namelist() if n.startswith(FOLDER) and n.endswith(".jpeg")]
            if len(names) != COUNT:
                raise SystemExit(f"{WHEEL} holds {len(names)} X-rays under {FOLDER}, not {COUNT}.")
            for name in names:
                (target / Path(name).name).write_bytes(wheel.read(name))
    (target / ".complete").touch()


if __name__ == "__main__":
    fetch_samples(Path(sys.argv[1]))
