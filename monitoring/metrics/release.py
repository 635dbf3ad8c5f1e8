"""The release that runs: the commit that `git archive` writes into this file (.gitattributes).

Apart from `monitoring.metrics.exposition`, because the worker has no use for Flask.
"""

from prometheus_client import Gauge, disable_created_metrics

_COMMIT = "$Format:%H$"

RELEASE = "working copy" if _COMMIT.startswith("$") else _COMMIT[:12]
"""The same as in the name of the archive that hosts install."""

disable_created_metrics()  # a second series for each counter, which is not used

RELEASE_INFO = Gauge(
    "pneumonia_release_info",
    "1 for the release that the service runs.",
    ("service", "release"),
    multiprocess_mode="livemax",
)


def expose_release(service: str) -> None:
    """Expose the release that this process, the service `service`, runs."""
    RELEASE_INFO.labels(service, RELEASE).set(1)
