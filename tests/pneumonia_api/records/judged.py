"""Records of judged X-rays."""

from dataclasses import replace

from pneumonia_api.records.record import FINDING_OF, PredictionRecord, QualityRecord, XrayRecord


def done(xray: XrayRecord, decision: str = "pneumonia") -> XrayRecord:
    """The record with a prediction of model `m1`."""
    prediction = PredictionRecord(0.9, decision, 0.5, "m1", [[0.0, 1.0]])
    return replace(
        xray, status="done", prediction=prediction, quality=QualityRecord(True, [], None)
    )


def judged_as(xray: XrayRecord, shown: str, probability: float = 0.9) -> XrayRecord:
    """The record with a prediction of which the pages show `shown`, one of `lists.SHOWN`."""
    decision = "pneumonia" if probability >= 0.5 else "normal"
    judged = done(xray, decision)
    assert judged.prediction
    finding = shown if shown != "withheld" else FINDING_OF[decision]
    prediction = replace(judged.prediction, probability=probability, finding=finding)
    quality = QualityRecord(False, ["Blurred."], None) if shown == "withheld" else judged.quality
    return replace(judged, prediction=prediction, quality=quality)


def listed(xray: XrayRecord) -> XrayRecord:
    """The record as the worklist has it: without its heat map."""
    if not xray.prediction:
        return xray
    return replace(xray, prediction=replace(xray.prediction, heatmap=[]))
