"""PromQL that is used more than once."""

from typing import Final

UPLOADS: Final = "pneumonia_api_uploads_total"
JUDGED: Final = "pneumonia_worker_xray_seconds"
# One minus the failure ratio that monitoring/prometheus/rules records for the alerts. Without
# uploads or X-rays the ratio is NaN, which the comparison drops.
ACCEPTED_NOW: Final = "(1 - max(job:pneumonia_api_uploads_unavailable:ratio_rate5m)) >= 0"
IN_TIME_NOW: Final = "(1 - max(job:pneumonia_worker_xrays_late:ratio_rate5m)) >= 0"


def accepted(window: str) -> str:
    """Share of the valid uploads that were accepted; empty without uploads."""
    valid = f'sum(rate({UPLOADS}{{outcome!="refused"}}[{window}])) > 0'
    return f'(1 - sum(rate({UPLOADS}{{outcome="unavailable"}}[{window}])) / ({valid}))'


def in_time(window: str) -> str:
    """Share of the X-rays whose result was ready within 2 s; empty without X-rays."""
    within = f'sum(rate({JUDGED}_bucket{{le="2.0"}}[{window}]))'
    return f"{within} / (sum(rate({JUDGED}_count[{window}])) > 0)"


def quantile(share: float, metric: str) -> str:
    """A quantile of a histogram over $__rate_interval, in the unit of the histogram."""
    return f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket[$__rate_interval])))"
