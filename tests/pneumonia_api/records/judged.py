"""Records of judged X-rays."""

from dataclasses import replace

from pneumonia_api.records.record import PredictionRecord, QualityRecord, XrayRecord


def done(xray: XrayRecord, decision: str = "pneumonia") -> XrayRecord:
    """The record with a prediction of model `m1`."""
    prediction = PredictionRecord(0.9, decision, 0.5, "m1", [[0.0, 1.0]])
    return replace(
        xray, status="done", prediction=prediction, quality=QualityRecord(True, [], None)
    )
