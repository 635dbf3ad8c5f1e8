"""Orthanc as the hospital's PACS."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.pneumonia_api.node.running import TITLE

ORTHANC = "ORTHANC"


@dataclass(frozen=True)
class Orthanc:
    """Its REST API."""

    url: str

    def add(self, file: bytes) -> str:
        """Store a file; its id here."""
        answer = requests.post(f"{self.url}/instances", data=file, timeout=20)
        answer.raise_for_status()
        return str(answer.json()["ID"])

    def send(self, instance: str) -> dict[str, Any]:
        """Send an instance to us by C-STORE."""
        order = {"Resources": [instance], "Synchronous": True}
        answer = requests.post(f"{self.url}/modalities/pneumonia/store", json=order, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def list_study(self, study: str) -> dict[str, dict[str, str]]:
        """The tags of all objects of a study, by modality."""
        query = {"Level": "Instance", "Query": {"StudyInstanceUID": study}}
        ids = requests.post(f"{self.url}/tools/find", json=query, timeout=20).json()
        tags = [
            requests.get(f"{self.url}/instances/{each}/simplified-tags", timeout=20).json()
            for each in ids
        ]
        return {each["Modality"]: each for each in tags}


@contextmanager
def running_orthanc(folder: Path, http: int, dicom: int, ours: int) -> Iterator[Orthanc]:
    """An empty Orthanc that knows us at the port `ours`; skips where it is not installed."""
    program = shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not program:
        pytest.skip("Orthanc is not installed; it is in Debian's orthanc")
    settings = {
        "Name": ORTHANC,
        "DicomAet": ORTHANC,
        "DicomPort": dicom,
        "DicomCheckCalledAet": True,
        "DicomModalities": {"pneumonia": [TITLE, "127.0.0.1", ours]},
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, folder / "orthanc.json"], stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{http}"
        with requests.Session() as session:
            session.mount(url, HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.05)))
            session.get(f"{url}/system", timeout=5).raise_for_status()
        yield Orthanc(url)
    finally:
        process.terminate()
        process.wait(20)
