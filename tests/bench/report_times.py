"""How long a caller waits for each form of a report, and how large it is.

    python -m tests.bench.report_times [--film FILE] [--requests 20]

Starts a system of its own, which keeps references to studies, uploads the film as a DICOM of 12
bits, reads it and fetches each form as often. A worker draws the PDF and the DICOM objects, as in
service; the rest is written by the API. Prints the table of docs/reports.md.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import requests

from model.reading.xray import read_xray
from model.serving.golden import list_images
from tests.model.reading.dicom_objects import build, save
from tests.stack import Stack, running_stack

FORMS = ("pdf", "sr.dcm", "sc.dcm", "gsps.dcm", "pm.dcm", "fhir.json", "csv")
WARM_UP = 2
"""The first of a form makes the worker load what draws it."""


def make_film(file: Path) -> bytes:
    """The picture of a file as a DICOM without a patient's age, so that no result is withheld."""
    pixels = read_xray(file.read_bytes()).pixels.astype(np.uint16) * 16
    uids = {"StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.2"}
    window = {"WindowCenter": "2048", "WindowWidth": "4096", "BitsStored": 12, "HighBit": 11}
    return save(build(pixels, PatientBirthDate="", **uids, **window))


def upload_and_read(stack: Stack, film: bytes) -> str:
    """The address of the X-ray."""
    answer = requests.post(
        f"{stack.api_url}/v1/xrays",
        params={"wait": 30},
        headers=stack.headers,
        files={"xray": ("film.dcm", film)},
        timeout=60,
    )
    address = f"{stack.api_url}/v1/xrays/{answer.json()['id']}"
    reading = {"label": "pneumonia"}
    requests.put(f"{address}/review", headers=stack.headers, json=reading, timeout=10)
    return address


def fetch(stack: Stack, address: str, form: str) -> tuple[float, int]:
    """Seconds until it is there, and its size in bytes."""
    started = time.perf_counter()
    answer = requests.get(f"{address}/report.{form}", headers=stack.headers, timeout=30)
    seconds = time.perf_counter() - started
    answer.raise_for_status()
    return seconds, len(answer.content)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    chest, _ = list_images()[0]
    parser.add_argument("--film", type=Path, default=chest, help="a picture of a chest")
    parser.add_argument("--requests", type=int, default=20, help="of each form")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder) / "var", KEEP_STUDY_REFERENCES="1") as stack,
    ):
        address = upload_and_read(stack, make_film(options.film))
        print("| form | median, ms | 95th percentile, ms | size, kB |\n|---|---|---|---|")
        for form in FORMS:
            tries = [fetch(stack, address, form) for _ in range(WARM_UP + options.requests)]
            seconds = [each for each, _ in tries[WARM_UP:]]
            middle, slow = statistics.median(seconds), np.percentile(seconds, 95)
            size = tries[-1][1] / 1000
            print(f"| `{form}` | {middle * 1000:.0f} | {slow * 1000:.0f} | {size:.1f} |")


if __name__ == "__main__":
    main()
