"""Model: is it still the model that was measured, on such images as it was measured on?"""

from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD, WARN
from monitoring.grafana.panels import Query, heat, levels, lines, number, rows

WORKER = "pneumonia_worker"


def build() -> Dashboard:
    """The dashboard: versions side by side, clinicians' agreement, drift."""
    board = frame("model", "Is the model still right, and what does it see?", "now-24h", "5m")
    return fill(
        board,
        [
            ("Versions side by side", [_versions()]),
            ("Agreement with clinicians", _agreement()),
            ("Drift: does it see what it was made for?", _drift()),
        ],
    )


def reviews(label: str) -> str:
    """Reviews kept by the API, which every API host tells alike, with this label (a regex)."""
    return f'max without (instance, job) (pneumonia_reviews{{label=~"{label}"}})'


def agreement(by: str) -> str:
    """Share of the reviews that say what the model said; unsure ones count for neither."""
    judged = reviews("pneumonia|normal")
    agreeing = " or ".join(
        f'max without (instance, job) (pneumonia_reviews{{decision="{said}", label="{said}"}})'
        for said in ("pneumonia", "normal")
    )
    return f"sum by ({by}) ({agreeing} or {judged} * 0) / sum by ({by}) ({judged} > 0)"


def _versions() -> Any:
    counted = f"sum by (model) (increase({WORKER}_predictions_total"
    called = f'{counted}{{decision="pneumonia"}}[7d]))'
    score = f"sum by (model) (increase({WORKER}_probability"
    unlike = f"sum by (model, le) (increase({WORKER}_ood_score_bucket[7d]))"

    def told(what: str) -> str:
        info = f"{WORKER}_model_info * on (instance) group_left () {WORKER}_model_{what}"
        return f"max by (model) ({info}_timestamp_seconds) * 1000"

    return rows(
        "Models of the last 7 days",
        "A row for each model that ran or was reviewed. Compare a new one with the one before: "
        "shares that jump with the switch come from the model, shares that drift come from the "
        "images. Agreement covers the reviews of eight weeks.",
        Query(told("loaded"), "in service since"),
        Query(told("trained"), "trained"),
        Query(f"{counted}[7d])) > 0", "judged"),
        Query(f"{called} / ({counted}[7d])) > 0)", "called pneumonia"),
        Query(f"{score}_sum[7d])) / ({score}_count[7d])) > 0)", "mean probability"),
        Query(f"histogram_quantile(0.95, {unlike})", "unlike, 95 %"),
        Query(f"sum by (model) ({reviews('.+')})", "reviews"),
        Query(agreement("model"), "agreement"),
        labels={"model": "model"},
        size=(24, 6),
        units={
            "in service since": "dateTimeFromNow",
            "trained": "dateTimeFromNow",
            "judged": "locale",
            "called pneumonia": "percentunit",
            "mean probability": "percentunit",
            "unlike, 95 %": "none",
            "reviews": "locale",
            "agreement": "percentunit",
        },
        empty="No model has judged anything in 7 days.",
    )


def _agreement() -> list[Any]:
    return [
        levels(
            "Agreement by week",
            "Share of the clinicians' readings that say what the model said, by the week of the "
            "reading. This is the figure that tells whether it still works. A few readings a week "
            "say little: look at their number beside it.",
            Query(agreement("week")),
            by="week",
            size=(9, 8),
            steps=((None, BAD), (0.8, WARN), (0.9, GOOD)),
            decimals=0,
            empty="No reading was entered in eight weeks.",
        ),
        rows(
            "Readings by week",
            "How many readings there are, and which way they differ. Missed: called normal but "
            "read as pneumonia, which is the costly one. False alarm: the other way round.",
            Query(f"sum by (week) ({reviews('.+')})", "all"),
            Query(_differ("normal", "pneumonia"), "missed"),
            Query(_differ("pneumonia", "normal"), "false alarm"),
            Query(f"sum by (week) ({reviews('unsure')} or {reviews('.+')} * 0)", "unsure"),
            labels={"week": "week"},
            size=(9, 8),
            units={},
            empty="No reading was entered in eight weeks.",
        ),
        number(
            "Judged so far, not read by anybody",
            "Share of the X-rays with a result, scored folders among them, that have no reading of "
            "a clinician in the last eight weeks. The higher, the less the agreement says.",
            Query(
                f"1 - sum({reviews('.+')}) / "
                'sum(max without (instance, job) (pneumonia_xrays{status="done"}) > 0)'
            ),
            size=(6, 8),
            unit="percentunit",
            decimals=0,
            empty="nothing judged or nothing read",
        ),
    ]


def _differ(said: str, read: str) -> str:
    which = f'pneumonia_reviews{{decision="{said}", label="{read}"}}'
    return f"sum by (week) (max without (instance, job) ({which}) or {reviews('.+')} * 0)"


def _shift(what: str) -> str:
    """As recorded: every five minutes, which is as long as a value lasts by itself."""
    return f"last_over_time(model:{WORKER}_{what}:shift1d[15m])"


def _drift() -> list[Any]:
    hour = "[1h]"
    counted = f"sum by (model) (increase({WORKER}_predictions_total"
    ends = f'sum(increase({WORKER}_xrays_total{{status=~"done|rejected"}}{hour})) > 0'
    return [
        lines(
            "Called pneumonia, share of an hour",
            "Of the X-rays judged in the hour before, by model. It moves with the season and the "
            "wards; a step within a day is a new device, another kind of image or another model.",
            Query(
                f'{counted}{{decision="pneumonia"}}{hour})) / ({counted}{hour})) > 0)',
                "{{model}}",
            ),
            size=(8, 8),
            unit="percentunit",
            highest=1,
            empty="no X-rays in this time",
        ),
        lines(
            "Refused or doubted, share of an hour",
            "Refused as no frontal chest X-ray or not readable, by reason, and judged with a "
            "warning that it is unlike most. A rise of unlike ones: the model meets images that "
            "it was not made for.",
            Query(
                f"sum by (reason) (increase({WORKER}_refusals_total{hour})) / scalar({ends}) > 0",
                "refused: {{reason}}",
            ),
            Query(f"sum(increase({WORKER}_doubts_total{hour})) / ({ends})", "judged with a doubt"),
            size=(8, 8),
            unit="percentunit",
            empty="no X-rays in this time",
        ),
        lines(
            "Shift against the four weeks before",
            "The largest distance between the distribution of the last day and that of the four "
            "weeks before it (Kolmogorov and Smirnov's), of the probability and of the unlikeness. "
            "A ticket is opened above the line. It takes 100 X-rays a day and 500 before.",
            Query(_shift("probability"), "probability {{model}}"),
            Query(_shift("ood_score"), "unlikeness {{model}}"),
            size=(8, 8),
            unit="none",
            limit=(0.25, WARN),
            room=0.5,
            empty="too few X-rays to compare",
        ),
        heat(
            "Probability of pneumonia",
            "How many X-rays got which probability. Two bands, near 0 and near 1, are healthy; "
            "one that fills the middle is a model that no longer knows.",
            Query(f"sum by (le) (increase({WORKER}_probability_bucket[$__rate_interval]))"),
            size=(12, 8),
            unit="percentunit",
            cell="5m",
            empty="no X-rays in this time",
        ),
        heat(
            "Unlikeness to the images of training",
            "How far the X-rays are from those of training, 1 is the limit: above it they are "
            "refused. A band that climbs towards 1 is drift, before anything is refused.",
            Query(f"sum by (le) (increase({WORKER}_ood_score_bucket[$__rate_interval]))"),
            size=(12, 8),
            unit="none",
            cell="5m",
            empty="no X-rays in this time",
        ),
    ]
