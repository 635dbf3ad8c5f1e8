"""What the web counts; every name begins with `pneumonia_`, and no label identifies anybody."""

from monitoring.metrics.requests import RequestMetrics

REQUESTS = RequestMetrics("web")
