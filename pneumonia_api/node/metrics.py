"""Metrics of the DICOM node; it is one process."""

from prometheus_client import Counter, Gauge

from pneumonia_api.node.sending import OUTCOMES

OBJECTS = Counter(
    "pneumonia_dicom_objects_total",
    "Objects received by C-STORE: accepted, refused (not an X-ray that can be read), mismatch "
    "(another class or transfer syntax than was announced), busy (the queue is full) or "
    "unavailable (a fault of ours).",
    ("outcome",),
)
ASSOCIATIONS = Counter(
    "pneumonia_dicom_associations_total",
    "Associations: accepted; rejected (unlisted AE title or address, or too many at once); aborted "
    "(by either side, or timed out).",
    ("outcome",),
)
OPEN = Gauge("pneumonia_dicom_open_associations", "Associations that are open.")

for _outcome in OUTCOMES:
    OBJECTS.labels(_outcome.word)
for _word in ("accepted", "rejected", "aborted"):
    ASSOCIATIONS.labels(_word)
