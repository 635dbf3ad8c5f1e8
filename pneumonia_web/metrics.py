"""The web's metrics; every name begins with `pneumonia_`, and no label identifies a person."""

from monitoring.metrics.requests import RequestMetrics

REQUESTS = RequestMetrics("web")
