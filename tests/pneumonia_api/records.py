"""Records as they are when they were judged."""

from dataclasses import replace

from pneumonia_api.records.xrays import XrayRecord

PREDICTION = {
    "probability": 0.9,
    "decision": "pneumonia",
    "threshold": 0.5,
    "model": "m1",
    "heatmap": [[0.0, 1.0]],
}


def done(xray: XrayRecord, decision: str = "pneumonia") -> XrayRecord:
    """The record with a prediction."""
    quality = {"ok": True, "warnings": [], "ood": None}
    return replace(
        xray, status="done", prediction={**PREDICTION, "decision": decision}, quality=quality
    )
