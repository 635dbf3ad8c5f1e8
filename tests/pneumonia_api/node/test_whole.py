"""`make run DICOM=1`: films from a modality and from a PACS have results, which go back to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from pydicom import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from run import DICOM_PORTS
from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.node.orthanc import ORTHANC, running_orthanc
from tests.pneumonia_api.node.running import call_at
from tests.pneumonia_api.results.site import wait
from tests.stack import Stack, free_ports, running_stack

PATIENT_ID = "<b>4711</b>"


@dataclass(frozen=True)
class Hospital:
    """A running system with its node, and the ports at which Orthanc is to be."""

    stack: Stack
    node: int
    pacs: int

    def read_record(self, xray_id: str) -> dict[str, Any]:
        """A record, once it is finished."""
        answer = requests.get(
            f"{self.stack.api_url}/v1/xrays/{xray_id}?wait=30",
            headers=self.stack.headers,
            timeout=40,
        )
        found: dict[str, Any] = answer.json()
        return found

    def find(self, source: str) -> dict[str, Any]:
        """The finished record of the only X-ray from a source."""
        answer = requests.get(
            f"{self.stack.api_url}/v1/xrays", headers=self.stack.headers, timeout=10
        )
        [listed] = [each for each in answer.json()["xrays"] if each["source"] == source]
        return self.read_record(listed["id"])


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """The whole system, as it is started by `make run DICOM=1`."""
    ports = free_ports([*DICOM_PORTS, "PACS"])
    pacs = ports.pop("PACS")
    settings = {
        "DICOM": "1",
        "DICOM_PEERS": f"CR1@127.0.0.1,{ORTHANC}@127.0.0.1",
        "DICOM_RESULTS_TO": f"{ORTHANC}@127.0.0.1:{pacs}",
        "KEEP_STUDY_REFERENCES": "1",
        **{name: str(port) for name, port in ports.items()},
    }
    with running_stack(tmp_path_factory.mktemp("hospital"), **settings) as stack:
        yield Hospital(stack, ports["DICOM_PORT"], pacs)


@pytest.fixture
def film(samples: list[Path], request: pytest.FixtureRequest) -> Dataset:
    """A real X-ray as a modality sends it; another one in each test."""
    number = len(request.node.name) % len(samples)
    with Image.open(samples[number]) as picture:
        pixels = np.asarray(picture.convert("L"))
    film = build(pixels, SOPClassUID=ComputedRadiographyImageStorage, Modality="CR")
    film.PatientBirthDate, film.PatientID = "", PATIENT_ID
    film.StudyInstanceUID, film.SeriesInstanceUID = generate_uid(), generate_uid()
    return film


def test_film_sent_by_a_modality_has_a_result(
    hospital: Hospital, film: Dataset, tmp_path: Path
) -> None:
    """C-ECHO, then C-STORE of a real X-ray, through all parts as they are deployed."""
    (tmp_path / "film.dcm").write_bytes(save(film))
    assert "(Success)" in call_at(hospital.node, "echoscu", calling="CR1")
    said = call_at(hospital.node, "storescu", "-R", tmp_path / "film.dcm", calling="CR1")
    assert "(Success)" in said, said
    record = hospital.find("dicom:CR1")
    assert record["status"] == "done", record
    logs = (hospital.stack.var / "log" / "dicom.log").read_text()
    assert "received an object" in logs
    assert "DOE" not in logs
    assert PATIENT_ID not in logs


def test_film_comes_from_orthanc_and_its_result_goes_back_into_its_study(
    hospital: Hospital, film: Dataset, tmp_path: Path
) -> None:
    """Once a person has read it: structured report and picture beside the film."""
    http = free_ports(["HTTP"])["HTTP"]
    with running_orthanc(tmp_path, http, hospital.pacs, hospital.node) as orthanc:
        done = orthanc.send(orthanc.add(save(film)))
        assert (done["InstancesCount"], done["FailedInstancesCount"]) == (1, 0)
        record = hospital.find(f"dicom:{ORTHANC}")
        assert record["status"] == "done", record
        assert set(orthanc.list_study(film.StudyInstanceUID)) == {"CR"}
        answer = requests.put(
            f"{hospital.stack.api_url}/v1/xrays/{record['id']}/review",
            json={"label": "normal"},
            headers=hospital.stack.headers,
            timeout=10,
        )
        assert answer.json()["transmission"]["status"] == "pending"
        wait(lambda: hospital.read_record(record["id"])["transmission"]["status"] != "pending")
        assert hospital.read_record(record["id"])["transmission"]["status"] == "sent"
        study = orthanc.list_study(film.StudyInstanceUID)
        assert set(study) == {"CR", "SR", "OT"}
        assert film.SOPInstanceUID in str(study["SR"])
