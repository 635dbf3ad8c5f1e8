"""Delete an X-ray and restore it, as a browser without scripts does."""

from pathlib import Path

import requests

from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack


def send(doctor: Visitor, samples: list[Path], mark: str) -> str:
    """Upload an X-ray of its own; the path of its result."""
    file = ("a.jpeg", samples[3].read_bytes() + mark.encode(), "image/jpeg")
    page = doctor.post("/xrays", "/xrays", files={"xray": file}, data={"reference": mark})
    return page.url.removeprefix(doctor.url)


def test_deleted_xray_is_restored_with_its_readings(doctor: Visitor, samples: list[Path]) -> None:
    """The page after the deletion leads to the list from which it is restored."""
    path = send(doctor, samples, "Restored")
    doctor.answer(path, label="unsure", note="Rotated")
    after = doctor.post(f"{path}/delete", path)
    assert 'were deleted. <a href="/deletions">' in after.text
    assert path not in after.text
    assert doctor.get(path).status_code == 404
    listed = doctor.get("/deletions")
    assert f'action="{path}/restore"' in listed.text
    assert "can be restored until" in listed.text
    page = doctor.post(f"{path}/restore", "/deletions")
    assert page.url == f"{doctor.url}{path}"
    assert "The X-ray was restored." in page.text
    assert "“Rotated”" in page.text
    assert path not in doctor.get("/deletions").text
    assert path in doctor.get("/xrays?tab=all").text


def test_lead_restores_the_deletion_of_another(
    doctor: Visitor, samples: list[Path], stack: Stack
) -> None:
    """It is listed with who deleted it."""
    path = send(doctor, samples, "Theirs")
    url = f"{stack.api_url}/v1{path}"
    assert requests.delete(url, headers=stack.headers, timeout=5).status_code == 204
    listed = doctor.get("/deletions").text
    assert "Deleted by others" in listed and "by machine," in listed
    page = doctor.post(f"{path}/restore", "/deletions")
    assert page.url == f"{stack.url}{path}"
    assert "The X-ray was restored." in page.text


def test_list_of_deletions_asks_to_log_in(stack: Stack) -> None:
    """And leads back to it."""
    page = Visitor(stack.url).get("/deletions")
    assert page.url == f"{stack.url}/login?next=/deletions"


def test_foreign_form_restores_nothing(doctor: Visitor, samples: list[Path]) -> None:
    """Another site cannot make a browser restore an X-ray."""
    path = send(doctor, samples, "Forged")
    doctor.post(f"{path}/delete", path)
    answer = doctor.session.post(f"{doctor.url}{path}/restore", timeout=5)
    assert answer.status_code == 400
    assert doctor.get(path).status_code == 404
