"""Metrics of what sends results to a PACS; it is one process."""

from prometheus_client import Counter

from pneumonia_api.records.transmission import STATES

TRIES = Counter(
    "pneumonia_results_tries_total",
    "Tries to send a result to the PACS, by what became of it: sent, refused (for good), withheld "
    "(to be shown to nobody) or pending (it is tried again).",
    ("status",),
)
for _status in STATES:
    TRIES.labels(_status)
