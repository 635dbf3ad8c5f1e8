"""`make run DICOM=1`: a film that a modality sends has a result."""

from pathlib import Path

import numpy as np
import requests
from PIL import Image
from pydicom.uid import ComputedRadiographyImageStorage

from run import DICOM_PORTS
from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.node.running import call_at
from tests.stack import free_ports, running_stack


def test_film_sent_by_a_modality_has_a_result(samples: list[Path], tmp_path: Path) -> None:
    """C-ECHO, then C-STORE of a real X-ray, through all parts as they are deployed."""
    with Image.open(samples[0]) as picture:
        pixels = np.asarray(picture.convert("L"))
    film = build(pixels, SOPClassUID=ComputedRadiographyImageStorage, Modality="CR")
    film.PatientBirthDate = ""
    (tmp_path / "film.dcm").write_bytes(save(film))
    ports = {name: str(port) for name, port in free_ports(DICOM_PORTS).items()}
    peers = "CR1@127.0.0.1"
    with running_stack(tmp_path / "var", DICOM="1", DICOM_PEERS=peers, **ports) as stack:
        port = int(ports["DICOM_PORT"])
        assert "(Success)" in call_at(port, "echoscu", calling="CR1")
        said = call_at(port, "storescu", "-R", tmp_path / "film.dcm", calling="CR1")
        assert "(Success)" in said, said
        answer = requests.get(f"{stack.api_url}/v1/xrays", headers=stack.headers, timeout=10)
        [listed] = answer.json()["xrays"]
        record = requests.get(
            f"{stack.api_url}/v1/xrays/{listed['id']}?wait=30", headers=stack.headers, timeout=40
        ).json()
        assert (record["status"], record["source"]) == ("done", "dicom:CR1"), record
        logs = (stack.var / "log" / "dicom.log").read_text()
    assert "received an object" in logs
    assert "DOE" not in logs
