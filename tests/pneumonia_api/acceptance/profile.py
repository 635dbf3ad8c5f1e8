"""Site profiles for tests: of a planted calibration, as if fitted to enough films."""

from dataclasses import replace

from pneumonia_api.records.profiles import FilmsRecord, ProfileRecord

BASIS = FilmsRecord(
    origin="service",
    judged=900,
    films=400,
    ill=150,
    patients_ill=150,
    patients_healthy=250,
    bases={"outcome": 400},
    first="2026-10-01",
    last="2026-11-20",
)

PROFILE = ProfileRecord(
    model="m1",
    intercept=-1.0,
    slope=0.5,
    threshold=0.2,
    uncertain=[0.1, 0.4],
    basis=BASIS,
    figures={
        "auc": [0.9, 0.86, 0.93],
        "sensitivity": [0.97, 0.93, 0.99],
        "specificity": [0.8, 0.74, 0.85],
        "uncertain": [0.2, 0.16, 0.24],
        "error": [0.03, 0.01, 0.05],
        "model_error": [0.2, 0.17, 0.23],
    },
    by="lead",
    at="2026-11-25T12:00:00.000+00:00",
)


def for_model(model: str) -> ProfileRecord:
    """The same for another model: another profile."""
    return replace(PROFILE, model=model)
