"""Starts the provider, and goes through its pages as a browser would."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import requests

from tests.stack import ROOT, free_ports

CALLBACK = "/login/oidc/callback"


@dataclass(frozen=True)
class RunningProvider:
    """A provider at `issuer`."""

    issuer: str

    def add_person(self, subject: str, **claims: object) -> None:
        """Somebody who can log in there."""
        requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=20).raise_for_status()

    def lie(self, **how: object) -> None:
        """Answer otherwise than it should, from now on; without anything, as it should."""
        requests.put(f"{self.issuer}/lie", json=how, timeout=20).raise_for_status()

    def log_in(self, url: str, subject: str, action: str = "authorize") -> dict[str, str]:
        """What the provider sends back once somebody has logged in at `url`."""
        page = requests.get(url, timeout=20)
        assert page.status_code == 200, page.text
        assert re.search("<form", page.text)
        answer = requests.post(
            url, data={"sub": subject, "action": action}, allow_redirects=False, timeout=20
        )
        location = urlsplit(answer.headers["Location"])
        assert location.path == CALLBACK, answer.headers["Location"]
        return {name: values[0] for name, values in parse_qs(location.query).items()}


def write_settings(issuer: str, public_url: str) -> dict[str, str]:
    """The settings of the API and the web for this provider."""
    return {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "pneumonia",
        "OIDC_CLIENT_SECRET": "secret-of-the-test",
        "OIDC_ROLES_CLAIM": "groups",
        "OIDC_ROLES": "radiology=clinician; heads=lead; CN=it,OU=x=admin; science=ml_engineer",
        "PUBLIC_URL": public_url,
    }


@contextmanager
def running_provider(port: int | None = None) -> Iterator[RunningProvider]:
    """A provider on loopback, ended with the block."""
    port = port or free_ports(["OIDC"])["OIDC"]
    command = [sys.executable, "-W", "ignore", "-m", "tests.oidc.provider", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield RunningProvider(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(10)
