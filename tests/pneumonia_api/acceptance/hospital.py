"""X-rays of a hospital in a real Redis: judged by the model `m1`, read, and with outcomes."""

from dataclasses import replace
from datetime import UTC, datetime

import redis

from pneumonia_api.acceptance.calibration import to_log_odds, to_probability
from pneumonia_api.records.confirming import Outcomes
from pneumonia_api.records.profiles import ProfileRecord
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import judged_as

CARD = {
    "version": "m1",
    "threshold": 0.5,
    "scores": {
        "test": {
            "images": 624,
            "patients": 428,
            "auc_roc": [0.95, 0.92, 0.97],
            "sensitivity": [0.95, 0.9, 0.98],
            "specificity": [0.9, 0.85, 0.94],
        }
    },
}
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def announce(client: redis.Redis) -> None:
    """As a worker does."""
    ServedModel(client).announce(CARD)


def judge(
    client: redis.Redis, probability: float, reference: str = "", source: str = "doctor"
) -> XrayRecord:
    """Store an X-ray with such a prediction."""
    shown = "pneumonia_likely" if probability >= 0.5 else "no_pneumonia_detected"
    xray = judged_as(new_xray(source, f"{probability}", reference), shown, probability)
    xray = replace(xray, view="PA")
    XrayStore(client).add(xray)
    return xray


def judge_by(client: redis.Redis, own: float, profile: ProfileRecord) -> XrayRecord:
    """Store an X-ray to which the model would give the probability `own`, decided by a profile."""
    moved = to_probability(profile.intercept + profile.slope * to_log_odds(own))
    called = moved >= profile.threshold
    xray = judged_as(new_xray("doctor", f"{own}"), "uncertain", round(moved, 4))
    assert xray.prediction
    low, high = profile.uncertain
    finding = "pneumonia_likely" if moved >= high else "no_pneumonia_detected"
    prediction = replace(
        xray.prediction,
        decision="pneumonia" if called else "normal",
        threshold=profile.threshold,
        model=profile.model,
        finding="uncertain" if low <= moved < high else finding,
        uncertain=profile.uncertain,
        profile=profile.id,
        model_probability=round(own, 4),
    )
    xray = replace(xray, prediction=prediction, view="PA")
    XrayStore(client).add(xray)
    return xray


def confirm(client: redis.Redis, xray: XrayRecord, label: str) -> None:
    """Somebody enters the outcome."""
    basis = "" if label == "unknown" else "ct"
    Outcomes(client).append(xray.id, label, basis, by="lead", at=NOW)


def read(
    client: redis.Redis, xray: XrayRecord, label: str, ai: str | None, reader: str = "ada"
) -> None:
    """Somebody reads it, with the AI result shown or hidden."""
    Reviews(client).append(xray.id, NewReading(label, ai=ai), reader=reader, at=NOW)


def fill(client: redis.Redis, ill: int, healthy: int, wrong: int = 0) -> None:
    """So many confirmed X-rays, each of another patient; the first `wrong` healthy are called."""
    for number in range(ill + healthy):
        is_ill = number < ill
        called = is_ill or number < ill + wrong
        probability = (0.9 if called else 0.1) + number % 10 / 1000
        xray = judge(client, probability, f"patient {number}")
        confirm(client, xray, "pneumonia" if is_ill else "normal")
