"""What the web counts; every name begins with `pneumonia_`, and no label identifies anybody."""

from pneumonia_metrics.requests import RequestMetrics

REQUESTS = RequestMetrics("web")
