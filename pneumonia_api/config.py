"""The settings of the API, the worker and the scoring of archives, one class for each process.

Nothing else here reads the environment. A process reads no setting but its own, so that another's
can neither leak from it nor stop it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from pneumonia_api.peers import Destination, Peers, check_title
from webserver.settings import (
    LOOPBACK,
    ROOT,
    BodyBytes,
    ConfigError,
    Pixels,
    Port,
    Seconds,
    Secret,
    Settings,
    Switch,
    find_var,
    whole,
)

__all__ = [
    "MAX_WAITERS",
    "AcceptanceConfig",
    "AuditConfig",
    "BatchConfig",
    "Config",
    "ConfigError",
    "NodeConfig",
    "ResultsConfig",
    "WorkerConfig",
    "read_acceptance_config",
    "read_audit_config",
    "read_batch_config",
    "read_config",
    "read_node_config",
    "read_results_config",
    "read_worker_config",
]

MAX_WAITERS = 48
"""Requests with `wait` that one API process holds open at a time. It has more threads than that,
so it still answers all other requests while no worker runs."""


Precision = Literal["auto", "float32", "bfloat16"]
"""As `model.serving.precision.PrecisionSetting`, which the API must not import."""


def _check_precision(value: str) -> str:
    if value not in get_args(Precision):
        raise ValueError(f"must be {', '.join(get_args(Precision))}, not {value[:20]!r}.")
    return value


PrecisionSetting = Annotated[Precision, BeforeValidator(_check_precision)]


def _find_images() -> str:
    return f"file://{find_var().resolve()}/images"


class Config(Settings):
    """The API's settings. Sizes are in bytes and pixels, times in seconds."""

    redis_url: Secret
    api_key: Secret
    web_key: Secret = ""
    dicom_key: Secret = ""
    results_to: Destination | None = Field(None, alias="DICOM_RESULTS_TO")
    image_store: str = Field(default_factory=_find_images)
    max_body_bytes: BodyBytes = Field(25 << 20, alias="MAX_BODY_MB")
    max_pixels: Pixels = Field(60_000_000, alias="MAX_MEGAPIXELS")
    max_queued: Annotated[int, whole(1_000_000)] = 1000
    session_seconds: Seconds = Field(12 * 3600, alias="SESSION_HOURS")
    keeps_references: Switch = Field(False, alias="KEEP_STUDY_REFERENCES")
    deleted_days: Annotated[int, whole(365)] = 7
    public_url: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: Secret = ""
    oidc_scopes: str = "openid profile"
    oidc_roles_claim: str = "roles"
    oidc_roles: str = ""
    oidc_second_factor: str = "mfa"
    break_glass_admin: str = ""
    api_host: str = LOOPBACK
    api_port: Port = 5000
    multiprocess_dir: Path = Field(
        default_factory=lambda: find_var().absolute() / "multiprocess" / "api",
        alias="PROMETHEUS_MULTIPROC_DIR",
    )


class WorkerConfig(Settings):
    """The worker's settings. It has no key, because nothing calls it."""

    redis_url: Secret
    image_store: str = Field(default_factory=_find_images)
    artifact_store: str = ""
    model_dir: Path = ROOT / "model" / "artifact"
    serving_dir: Path = Field(default_factory=lambda: find_var() / "serving")
    max_pixels: Pixels = Field(60_000_000, alias="MAX_MEGAPIXELS")
    precision: PrecisionSetting = "auto"
    keeps_films: Switch = Field(True, alias="KEEP_FILMS")
    takes_accession: Switch = Field(False, alias="ACCESSION_AS_REFERENCE")
    keeps_references: Switch = Field(False, alias="KEEP_STUDY_REFERENCES")
    retention_days: Annotated[int, whole(36_500, least=0)] = 365
    metrics_host: str = Field(LOOPBACK, alias="WORKER_METRICS_HOST")
    metrics_port: Port = Field(9200, alias="WORKER_METRICS_PORT")


class BatchConfig(Settings):
    """The settings of a run that scores an archive. Sizes are in bytes and pixels."""

    redis_url: Secret
    image_store: str = Field(default_factory=_find_images)
    model_dir: Path = ROOT / "model" / "artifact"
    serving_dir: Path = Field(default_factory=lambda: find_var() / "serving")
    max_body_bytes: BodyBytes = Field(25 << 20, alias="MAX_BODY_MB")
    max_pixels: Pixels = Field(60_000_000, alias="MAX_MEGAPIXELS")
    precision: PrecisionSetting = "auto"


class AuditConfig(Settings):
    """The settings of the process that writes the audit, and of the command that checks it."""

    redis_url: Secret
    audit_dir: Path = Field(default_factory=lambda: find_var() / "audit")
    audit_days: Annotated[int, whole(36_500, least=0)] = 3650


class NodeConfig(Settings):
    """The settings of the DICOM node, which knows the API by HTTP alone. Sizes are in bytes."""

    api_url: Annotated[str, BeforeValidator(lambda url: url.rstrip("/"))]
    dicom_key: Secret
    dicom_peers: Peers
    ae_title: Annotated[str, BeforeValidator(check_title)] = Field(
        "PNEUMONIA", alias="DICOM_AE_TITLE"
    )
    host: str = Field(LOOPBACK, alias="DICOM_HOST")
    port: Port = Field(11112, alias="DICOM_PORT")
    max_associations: Annotated[int, whole(200)] = Field(10, alias="DICOM_MAX_ASSOCIATIONS")
    timeout: Annotated[int, whole(600)] = Field(30, alias="DICOM_TIMEOUT")
    tls_certificate: Path | None = Field(None, alias="DICOM_TLS_CERT")
    tls_key: Path | None = Field(None, alias="DICOM_TLS_KEY")
    tls_authority: Path | None = Field(None, alias="DICOM_TLS_CA")
    max_body_bytes: BodyBytes = Field(25 << 20, alias="MAX_BODY_MB")
    metrics_host: str = Field(LOOPBACK, alias="DICOM_METRICS_HOST")
    metrics_port: Port = Field(9201, alias="DICOM_METRICS_PORT")


class ResultsConfig(Settings):
    """The settings of what sends results to a PACS."""

    redis_url: Secret
    results_to: Destination = Field(alias="DICOM_RESULTS_TO")
    ae_title: Annotated[str, BeforeValidator(check_title)] = Field(
        "PNEUMONIA", alias="DICOM_AE_TITLE"
    )
    timeout: Annotated[int, whole(600)] = Field(30, alias="DICOM_TIMEOUT")
    uses_tls: Switch = Field(False, alias="DICOM_RESULTS_TLS")
    tls_certificate: Path | None = Field(None, alias="DICOM_TLS_CERT")
    tls_key: Path | None = Field(None, alias="DICOM_TLS_KEY")
    tls_authority: Path | None = Field(None, alias="DICOM_TLS_CA")
    metrics_host: str = Field(LOOPBACK, alias="DICOM_METRICS_HOST")
    metrics_port: Port = Field(9202, alias="DICOM_RESULTS_METRICS_PORT")


class AcceptanceConfig(Settings):
    """The setting of `pneumonia_api.acceptance`, which only reads records."""

    redis_url: Secret


def read_config(overrides: Mapping[str, str] | None = None) -> Config:
    """The API's settings. Raises ConfigError, as those below do."""
    return Config.read(overrides)


def read_worker_config(overrides: Mapping[str, str] | None = None) -> WorkerConfig:
    """The worker's settings."""
    return WorkerConfig.read(overrides)


def read_batch_config(overrides: Mapping[str, str] | None = None) -> BatchConfig:
    """The settings of `pneumonia_api.batch.run`."""
    return BatchConfig.read(overrides)


def read_audit_config(overrides: Mapping[str, str] | None = None) -> AuditConfig:
    """The settings of `pneumonia_api.audit`."""
    return AuditConfig.read(overrides)


def read_node_config(overrides: Mapping[str, str] | None = None) -> NodeConfig:
    """The settings of `pneumonia_api.node`."""
    return NodeConfig.read(overrides)


def read_results_config(overrides: Mapping[str, str] | None = None) -> ResultsConfig:
    """The settings of `pneumonia_api.results`."""
    return ResultsConfig.read(overrides)


def read_acceptance_config(overrides: Mapping[str, str] | None = None) -> AcceptanceConfig:
    """The setting of `pneumonia_api.acceptance`."""
    return AcceptanceConfig.read(overrides)
