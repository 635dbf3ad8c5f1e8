"""PromQL that more than one dashboard asks, or one more than once."""

from typing import Final

UPLOADS: Final = "pneumonia_api_uploads_total"
JUDGED: Final = "pneumonia_worker_xray_seconds"
# Shares of what failed, as the alerts see them: recorded in monitoring/prometheus/rules. They are
# not numbers without uploads or X-rays, which the comparison drops.
ACCEPTED_NOW: Final = "(1 - max(job:pneumonia_api_uploads_unavailable:ratio_rate5m)) >= 0"
IN_TIME_NOW: Final = "(1 - max(job:pneumonia_worker_xrays_late:ratio_rate5m)) >= 0"


def accepted(window: str) -> str:
    """Share of the uploads that we took, of those that we should have; nothing without uploads."""
    ours = f'sum(rate({UPLOADS}{{outcome!="refused"}}[{window}])) > 0'
    return f'(1 - sum(rate({UPLOADS}{{outcome="unavailable"}}[{window}])) / ({ours}))'


def in_time(window: str) -> str:
    """Share of the X-rays that were judged within 2 s; nothing without X-rays."""
    within = f'sum(rate({JUDGED}_bucket{{le="2.0"}}[{window}]))'
    return f"{within} / (sum(rate({JUDGED}_count[{window}])) > 0)"


def quantile(share: float, metric: str) -> str:
    """A quantile of a histogram over the time between two points of the curve, in its own unit."""
    return f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket[$__rate_interval])))"
