"""TLS of DICOM (PS3.15, B.9): who is called, and who calls, is known by a certificate."""

import ssl
from pathlib import Path

from webserver.settings import ConfigError

FILES = "DICOM_TLS_CERT, DICOM_TLS_KEY or DICOM_TLS_CA"


def make_listening(
    certificate: Path | None, key: Path | None, authority: Path | None
) -> ssl.SSLContext | None:
    """For what listens; with an `authority`, callers need a certificate of it. None without any.

    Raises ConfigError for a file that is missing or unusable: whoever asks for TLS must not get a
    node without.
    """
    if not (certificate or key or authority):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, certificate, key, authority)
    if not certificate:
        raise ConfigError("DICOM_TLS_CERT is not set, but DICOM_TLS_CA is.")
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def make_calling(
    certificate: Path | None, key: Path | None, authority: Path | None
) -> ssl.SSLContext:
    """For what calls, with a certificate of its own if there is one.

    The other side's is checked against the `authority`, or those of the system, and must name the
    host that is called. Raises ConfigError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not authority:
        context.load_default_certs()
    _load(context, certificate, key, authority)
    return context


def _load(
    context: ssl.SSLContext, certificate: Path | None, key: Path | None, authority: Path | None
) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if bool(certificate) != bool(key):
        raise ConfigError("DICOM_TLS_CERT and DICOM_TLS_KEY need each other.")
    try:
        if certificate:
            context.load_cert_chain(certificate, key)
        if authority:
            context.load_verify_locations(authority)
    except OSError as error:
        raise ConfigError(f"{FILES} cannot be used ({error.strerror or error}).") from error
