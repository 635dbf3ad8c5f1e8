"""The page of keys for programs."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack


@pytest.fixture(autouse=True)
def no_keys(stack: Stack) -> Iterator[None]:
    """The stack has no key before and after each test."""
    yield
    url = f"{stack.api_url}/v1/keys"
    for key in requests.get(url, headers=stack.headers, timeout=9).json()["keys"]:
        requests.delete(f"{url}/{key['name']}", headers=stack.headers, timeout=9)


def create(doctor: Visitor, name: str, *rights: str) -> requests.Response:
    """Send the form."""
    return doctor.post("/keys", "/keys", data={"name": name, **dict.fromkeys(rights, "on")})


def test_a_key_is_shown_once_and_works_until_it_is_revoked(doctor: Visitor, stack: Stack) -> None:
    """The page has it right after it was created and never again."""
    assert "No program has a key of its own yet." in doctor.get("/keys").text
    page = create(doctor, "gateway", "read")
    assert page.status_code == 200
    [key] = re.findall(r"<code>(pdk_[\w-]+)</code>", page.text)
    assert page.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"Bearer {key}"}
    listed = requests.get(f"{stack.api_url}/v1/xrays", headers=headers, timeout=9)
    assert listed.status_code == 200
    page = doctor.get("/keys")
    assert key not in page.text and "pdk_" not in page.text
    assert "Created by doctor" in page.text and "Last used" in page.text
    gone = doctor.post("/keys/revoke", "/keys", data={"name": "gateway"})
    assert "The key gateway was revoked." in gone.text
    listed = requests.get(f"{stack.api_url}/v1/xrays", headers=headers, timeout=9)
    assert listed.status_code == 401


@pytest.mark.parametrize(
    ("name", "rights", "status", "problem"),
    [
        ("two words", ["read"], 422, "letters, digits, dots, hyphens"),
        ("gateway", [], 422, "Choose what the program may do."),
        ("taken", ["read"], 409, "There is a key with this name"),
    ],
)
def test_a_form_that_is_refused_keeps_what_was_typed(
    doctor: Visitor, name: str, rights: list[str], status: int, problem: str
) -> None:
    """With a sentence that says what to change, and no key."""
    create(doctor, "taken", "upload")
    page = create(doctor, name, *rights)
    assert (page.status_code, problem in page.text) == (status, True)
    assert f'value="{name}"' in page.text and "pdk_" not in page.text
    assert page.text.count("checked") == len(rights)
