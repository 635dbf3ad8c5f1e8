"""TLS: who has no certificate of the authority is not talked to, and stops nobody else."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia_api.dicom_tls import make_listening
from tests.pneumonia_api.node.running import RunningNode, call, running_node
from webserver.settings import ConfigError


def make_certificate(folder: Path, name: str, authority: str | None) -> None:
    """NAME.pem and NAME.key, issued by `authority` or by itself."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
    if authority:
        command += ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates: of an authority, the node, a modality, and of a stranger's own authority."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, "ca", None)
    for name in ("node", "modality"):
        make_certificate(folder, name, "ca")
    make_certificate(folder, "stranger", None)
    return folder


@pytest.fixture(scope="module")
def node(folder: Path) -> Iterator[RunningNode]:
    """A node that asks for certificates."""
    settings = {
        "DICOM_TLS_CERT": str(folder / "node.pem"),
        "DICOM_TLS_KEY": str(folder / "node.key"),
        "DICOM_TLS_CA": str(folder / "ca.pem"),
    }
    with running_node(folder, "http://127.0.0.1:9", **settings) as running:
        yield running


def echo(node: RunningNode, folder: Path, name: str) -> str:
    """What echoscu says that calls with a certificate."""
    files = (folder / f"{name}.key", folder / f"{name}.pem")
    return call("echoscu", node, "+tls", *files, "+cf", folder / "ca.pem")


def test_certificate_of_the_authority_is_needed(node: RunningNode, folder: Path) -> None:
    """By TLS with it, and not without it, or without TLS."""
    assert "Echo Response (Success)" in echo(node, folder, "modality")
    assert "Success" not in echo(node, folder, "stranger")
    assert "Success" not in call("echoscu", node)


def test_connection_without_handshake_stops_nobody(node: RunningNode, folder: Path) -> None:
    """Not even a moment: a probe of a load balancer begins no handshake."""
    with socket.create_connection(("127.0.0.1", node.port), 5):
        assert "Echo Response (Success)" in echo(node, folder, "modality")


def test_half_a_setting_is_no_plain_node(folder: Path) -> None:
    """Whoever asks for TLS gets TLS, or a start that says what is missing."""
    certificate, authority = folder / "node.pem", folder / "ca.pem"
    for given in ((certificate, None, None), (None, None, authority), (None, authority, None)):
        with pytest.raises(ConfigError, match="DICOM_TLS_CERT"):
            make_listening(*given)
    with pytest.raises(ConfigError, match="cannot be used"):
        make_listening(certificate, authority, None)
    assert make_listening(None, None, None) is None
