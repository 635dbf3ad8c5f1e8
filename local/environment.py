"""The environment that `make run` passes to its parts, and the settings kept in `var/env`.

A part gets only the variables listed here: Celery, gunicorn, Flask, Python, OpenMP, supervisord and
the exporters all read variables of their own, which a shell or the machine may have set for
something else.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SETTINGS = frozenset(
    {
        *("PORT", "WEB_PORT", "API_PORT", "WORKER_METRICS_PORT", "REDIS_PORT"),
        *("WEB_HOST", "API_HOST", "WORKER_METRICS_HOST", "PROXY_ADDRESS"),
        *("MONITORING", "SCRAPE_SECONDS", "ALERT_WEBHOOK", "PROMETHEUS_PORT", "ALERTMANAGER_PORT"),
        *("NODE_EXPORTER_PORT", "REDIS_EXPORTER_PORT", "NGINX_EXPORTER_PORT", "NGINX_STATUS_PORT"),
        *("BLACKBOX_PORT", "VAR_DIR", "REDIS_URL", "COOKIE_SECURE"),
        *("IMAGE_STORE", "ARTIFACT_STORE", "MODEL_DIR", "SERVING_DIR", "PRECISION"),
        *("MAX_BODY_MB", "MAX_MEGAPIXELS", "MAX_QUEUED", "SESSION_HOURS", "DELETED_DAYS"),
        *("RETENTION_DAYS", "KEEP_STUDY_REFERENCES", "AUDIT_DIR", "AUDIT_DAYS"),
        *("DICOM", "DICOM_AE_TITLE", "DICOM_PEERS", "DICOM_HOST", "DICOM_PORT"),
        *("DICOM_TLS_CERT", "DICOM_TLS_KEY", "DICOM_TLS_CA", "DICOM_RESULTS_TLS"),
        *("DICOM_RESULTS_TO", "DICOM_RESULTS_METRICS_PORT"),
        *("DICOM_METRICS_HOST", "DICOM_METRICS_PORT", "DICOM_MAX_ASSOCIATIONS", "DICOM_TIMEOUT"),
        *("AI_AFTER_READING", "IDLE_MINUTES", "KEEP_FILMS", "ACCESSION_AS_REFERENCE"),
        *("PUBLIC_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME"),
        *(
            "OIDC_SCOPES",
            "OIDC_ROLES_CLAIM",
            "OIDC_ROLES",
            "OIDC_SECOND_FACTOR",
            "BREAK_GLASS_ADMIN",
        ),
        *("SERVICE_NAME", "SITE_NAME", "SITE_CONTACT", "ENVIRONMENT_BADGE"),
    }
)
"""The settings of the README that a caller of `make run` may set."""

MADE_HERE = frozenset(
    {"API_KEY", "SECRET_KEY", "WEB_KEY", "DICOM_KEY", "API_URL", "PROMETHEUS_MULTIPROC_DIR"}
)
"""Settings that `make run` generates itself. Other programs use these names, too, and a key that
differs from `var/api-key`, or one metrics folder for two services, would break them."""

SYSTEM = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "TZ"),
        *(
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "REQUESTS_CA_BUNDLE",
        ),  # the hospital's own CA
    }
)
"""What programs need to know of account and machine. AWS_* (keys of the bucket) passes, too."""

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*([^\x00-\x1f\x7f\ufffd]*)")

LOOPBACK = "localhost,127.0.0.1,::1"


def clean_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """The variables of `caller` that the parts get, with loopback exempt from proxies."""
    kept = {
        name: value
        for name, value in caller.items()
        if name in SETTINGS | SYSTEM or name.startswith("AWS_")
    }
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        # curl and Python prefer lower case, and only some programs read upper case.
        if value := caller.get(name) or caller.get(name.upper()):
            kept[name] = kept[name.upper()] = value
    exempt = caller.get("no_proxy") or caller.get("NO_PROXY")
    kept["no_proxy"] = kept["NO_PROXY"] = f"{exempt},{LOOPBACK}" if exempt else LOOPBACK
    if (folder := caller.get("TMPDIR")) and os.access(folder, os.W_OK | os.X_OK):
        kept["TMPDIR"] = folder
    # A locale that is not installed changes how text is decoded.
    kept["LC_ALL"] = "C.UTF-8"
    return kept


@dataclass(frozen=True)
class KeptSettings:
    """The settings in `var/env`, and the number of lines that could not be parsed."""

    values: dict[str, str]
    damaged_lines: int


def read_kept_settings(file: Path) -> KeptSettings:
    """Read the complete lines of `file`, which a power cut may have truncated or filled with zeros.

    A line is NAME=VALUE, blank or a comment. Text after the last newline is a truncated value. A
    missing file has no settings.
    """
    text = file.read_bytes().decode(errors="replace") if file.exists() else ""
    *lines, rest = text.split("\n")
    values, damaged = {}, int(bool(rest))
    for line in lines:
        if found := LINE.fullmatch(line):
            values[found[1]] = found[2]
        elif line.strip() and not line.lstrip().startswith("#"):
            damaged += 1
    return KeptSettings(values, damaged)
