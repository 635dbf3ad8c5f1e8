"""Model: does it still perform as measured, on the kind of images it was measured on?"""

from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.curves import heat, lines
from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD, WARN
from monitoring.grafana.panels import Query, levels, number, rows

WORKER = "pneumonia_worker"


def build() -> Dashboard:
    """The dashboard: versions side by side, clinicians' agreement, drift."""
    board = frame(
        "model", "Is the model still right, and what images does it see?", "now-24h", "5m"
    )
    return fill(
        board,
        [
            ("Versions side by side", [_versions()]),
            ("Agreement with clinicians", _agreement()),
            ("Drift: does it see the images it was made for?", _drift()),
        ],
    )


def reviews(label: str) -> str:
    """Reviews with this label (a regex); every API host exposes the same numbers."""
    return f'max without (instance, job) (pneumonia_reviews{{label=~"{label}"}})'


def agreement(by: str) -> str:
    """Share of the reviews that agree with the model; unsure reviews do not count."""
    judged = reviews("pneumonia|normal")
    agreeing = " or ".join(
        f'max without (instance, job) (pneumonia_reviews{{decision="{label}", label="{label}"}})'
        for label in ("pneumonia", "normal")
    )
    return f"sum by ({by}) ({agreeing} or {judged} * 0) / sum by ({by}) ({judged} > 0)"


def _versions() -> Any:
    counted = f"sum by (model) (increase({WORKER}_predictions_total"
    called = f'{counted}{{decision="pneumonia"}}[7d]))'
    score = f"sum by (model) (increase({WORKER}_probability"
    unlike = f"sum by (model, le) (increase({WORKER}_ood_score_bucket[7d]))"

    def time_of(what: str) -> str:
        info = f"{WORKER}_model_info * on (instance) group_left () {WORKER}_model_{what}"
        return f"max by (model) ({info}_timestamp_seconds) * 1000"

    return rows(
        "Models of the last 7 days",
        "One row for each model that was in service or reviewed. Compare a new model with the "
        "previous one: a share that jumps at the switch comes from the model, a share that "
        "drifts comes from the images. Agreement covers the reviews of eight weeks.",
        Query(time_of("loaded"), "in service since"),
        Query(time_of("trained"), "trained"),
        Query(f"{counted}[7d])) > 0", "analysed"),
        Query(f"{called} / ({counted}[7d])) > 0)", "predicted pneumonia"),
        Query(f"{score}_sum[7d])) / ({score}_count[7d])) > 0)", "mean probability"),
        Query(f"histogram_quantile(0.95, {unlike})", "OOD score, 95th percentile"),
        Query(f"sum by (model) ({reviews('.+')})", "reviews"),
        Query(agreement("model"), "agreement"),
        labels={"model": "model"},
        size=(24, 6),
        units={
            "in service since": "dateTimeFromNow",
            "trained": "dateTimeFromNow",
            "analysed": "locale",
            "predicted pneumonia": "percentunit",
            "mean probability": "percentunit",
            "OOD score, 95th percentile": "none",
            "reviews": "locale",
            "agreement": "percentunit",
        },
        empty="No X-ray was analysed in 7 days.",
    )


def _agreement() -> list[Any]:
    return [
        levels(
            "Agreement by week",
            "Share of the clinicians' reviews that agree with the model, by week of the review. "
            "This is the best sign that the model still works. A few reviews a week prove "
            "little: see their number in the next panel.",
            Query(agreement("week")),
            by="week",
            size=(9, 8),
            steps=((None, BAD), (0.8, WARN), (0.9, GOOD)),
            decimals=0,
            empty="No review in eight weeks.",
        ),
        rows(
            "Reviews by week",
            "Number of reviews, and how they disagree with the model. Missed: the model said "
            "normal, the clinician pneumonia; this is the dangerous error. False alarm: the "
            "reverse.",
            Query(f"sum by (week) ({reviews('.+')})", "all"),
            Query(_disagreements("normal", "pneumonia"), "missed"),
            Query(_disagreements("pneumonia", "normal"), "false alarm"),
            Query(f"sum by (week) ({reviews('unsure')} or {reviews('.+')} * 0)", "unsure"),
            labels={"week": "week"},
            size=(9, 8),
            units={},
            empty="No review in eight weeks.",
        ),
        number(
            "Results without a review",
            "Share of the analysed X-rays, including scored archives, that no clinician reviewed"
            " in the last eight weeks. The higher it is, the less the agreement proves.",
            Query(
                f"1 - sum({reviews('.+')}) / "
                'sum(max without (instance, job) (pneumonia_xrays{status="done"}) > 0)'
            ),
            size=(6, 8),
            unit="percentunit",
            decimals=0,
            empty="no results or no reviews",
        ),
    ]


def _disagreements(decision: str, label: str) -> str:
    which = f'pneumonia_reviews{{decision="{decision}", label="{label}"}}'
    return f"sum by (week) (max without (instance, job) ({which}) or {reviews('.+')} * 0)"


def _shift(what: str) -> str:
    """The recorded shift; its rule runs every five minutes, after which a sample goes stale."""
    return f"last_over_time(model:{WORKER}_{what}:shift1d[15m])"


def _drift() -> list[Any]:
    hour = "[1h]"
    counted = f"sum by (model) (increase({WORKER}_predictions_total"
    ends = f'sum(increase({WORKER}_xrays_total{{status=~"done|rejected"}}{hour})) > 0'
    return [
        lines(
            "Predicted pneumonia, last hour",
            "Share of the X-rays of the preceding hour that each model classified as pneumonia. "
            "It changes with the season and the wards; a step within a day points to a new "
            "device, another kind of image or another model.",
            Query(
                f'{counted}{{decision="pneumonia"}}{hour})) / ({counted}{hour})) > 0)',
                "{{model}}",
            ),
            size=(8, 8),
            unit="percentunit",
            highest=1,
            empty="no X-rays in this period",
        ),
        lines(
            "Rejected or doubtful, last hour",
            "Share of the X-rays of the preceding hour that were rejected, by reason, or "
            "analysed with the warning that they are unlike the training images. A rise means "
            "that the model sees images that it was not made for.",
            Query(
                f"sum by (reason) (increase({WORKER}_refusals_total{hour})) / scalar({ends}) > 0",
                "rejected: {{reason}}",
            ),
            Query(
                f"sum(increase({WORKER}_doubts_total{hour})) / ({ends})", "analysed with a warning"
            ),
            size=(8, 8),
            unit="percentunit",
            empty="no X-rays in this period",
        ),
        lines(
            "Drift against the previous four weeks",
            "Kolmogorov-Smirnov distance between the last day and the four weeks before it, for "
            "the probability and the out-of-distribution score. Above the line a ticket is "
            "opened. It needs 100 X-rays in the day and 500 before it.",
            Query(_shift("probability"), "probability {{model}}"),
            Query(_shift("ood_score"), "OOD score {{model}}"),
            size=(8, 8),
            unit="none",
            limit=(0.25, WARN),
            room=0.5,
            empty="too few X-rays to compare",
        ),
        heat(
            "Probability of pneumonia",
            "Distribution of the predicted probability. Two bands, near 0 and near 1, are "
            "healthy; if the middle fills, the model has become uncertain.",
            Query(f"sum by (le) (increase({WORKER}_probability_bucket[$__rate_interval]))"),
            size=(12, 8),
            unit="percentunit",
            cell="5m",
            empty="no X-rays in this period",
        ),
        heat(
            "Out-of-distribution score",
            "Distance of the X-rays from the training images; above 1 they are rejected. A band "
            "that climbs towards 1 is drift, before any X-ray is rejected.",
            Query(f"sum by (le) (increase({WORKER}_ood_score_bucket[$__rate_interval]))"),
            size=(12, 8),
            unit="none",
            cell="5m",
            empty="no X-rays in this period",
        ),
    ]
