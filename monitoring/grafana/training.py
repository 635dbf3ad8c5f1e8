"""Training box: does the expensive machine work, and what did it cost?"""

from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import Dashboard, VariableOption

from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD, PLAIN, QUIET, WARN
from monitoring.grafana.panels import Query, levels, lines, number, states

# p3.2xlarge in eu-central-1, USD an hour; the table of prices is in terraform/outputs.tf.
PRICE: Final = "3.82"
# It is a target while it runs: what counts is that it is there, not that NVIDIA's exporter answers.
BOX: Final = '(up{job="gpu"} * 0 + 1)'


def build() -> Dashboard:
    """The dashboard: runs, what the GPU does meanwhile, cost, and batch scoring."""
    board = frame("training", "Does the training box work, and what does it cost?", "now-12h", "1m")
    price = dashboard.TextBoxVariable("price").label("USD an hour").default_value(PRICE)
    chosen = VariableOption(selected=True, text=PRICE, value=PRICE)
    board.with_variable(price.current(chosen).options([chosen]))
    return fill(
        board,
        [
            ("Run", _run()),
            ("GPU", _gpu()),
            ("Cost", _cost()),
            ("Scoring an archive", _batch()),
        ],
    )


def _run() -> list[Any]:
    return [
        number(
            "Training",
            "Whether a training run is on.",
            Query("max(pneumonia_training_running)"),
            size=(4, 7),
            names={0: ("NO RUN", QUIET), 1: ("RUNNING", GOOD)},
            empty="never ran",
            filled=True,
        ),
        levels(
            "Epochs done",
            "How far the run is, of the epochs that were asked for. It may end earlier, when "
            "validation no longer gains.",
            Query("max(pneumonia_training_epoch) / max(pneumonia_training_epochs)", "epochs"),
            size=(5, 7),
            decimals=0,
            empty="never ran",
        ),
        number(
            "Last success",
            "When a run last ended with a model.",
            Query("max(pneumonia_training_last_success_timestamp_seconds) * 1000"),
            size=(5, 7),
            unit="dateTimeFromNow",
            empty="none yet",
        ),
        number(
            "AUC",
            "Of the last run: on validation, which chose epoch and threshold, and on the test, "
            "which is read once. Compare with the model in service before you publish.",
            Query("max by (split) (pneumonia_training_auc)", "{{split}}"),
            size=(5, 7),
            decimals=3,
            empty="none yet",
        ),
        number(
            "Took",
            "How long the last run that ended took.",
            Query("max(pneumonia_training_duration_seconds)"),
            size=(5, 7),
            unit="s",
            empty="none yet",
        ),
        lines(
            "Images a second",
            "Of the last epoch. Half of what it was with the same settings: look at the GPU below, "
            "then at the disk in Hosts.",
            Query("max(pneumonia_training_images_per_second)", "training"),
            size=(12, 7),
            empty="no run in this time",
        ),
        lines(
            "AUC by epoch",
            "Validation while it runs; the test comes at the end. Flat for many epochs: it has "
            "learned what it will.",
            Query("max by (split) (pneumonia_training_auc)", "{{split}}"),
            size=(12, 7),
            unit="none",
            lowest=0.5,
            highest=1,
            series=("validation", "test"),
            empty="no run in this time",
        ),
    ]


def _gpu() -> list[Any]:
    empty = "The box is off, or has no GPU exporter."
    return [
        lines(
            "Use of the GPU",
            "Share of the time in which the GPU computes; of several, the mean. Low while a run is "
            "on: it waits for images. An alarm stops the box after an idle hour.",
            Query("avg(DCGM_FI_DEV_GPU_UTIL) / 100", "in use"),
            size=(8, 7),
            unit="percentunit",
            highest=1,
            empty=empty,
        ),
        lines(
            "Memory of the GPU",
            "In use, and free. Full: a smaller batch or mixed precision.",
            Query("sum(DCGM_FI_DEV_FB_USED) * 1024 * 1024", "used"),
            Query("sum(DCGM_FI_DEV_FB_FREE) * 1024 * 1024", "free"),
            size=(8, 7),
            unit="bytes",
            stacked=True,
            empty=empty,
        ),
        lines(
            "Power and temperature",
            "Watts and degrees Celsius, as the numbers are. Above 85 degrees the GPU slows itself "
            "down.",
            Query("sum(DCGM_FI_DEV_POWER_USAGE)", "watts"),
            Query("max(DCGM_FI_DEV_GPU_TEMP)", "degrees"),
            size=(8, 7),
            unit="none",
            limit=(85, WARN),
            empty=empty,
        ),
    ]


def _cost() -> list[Any]:
    on = f"max({BOX})"
    busy = "(max(pneumonia_training_running) == 1 or max(pneumonia_batch_running) == 1)"
    hours = "(sum(sum_over_time({}[{}:5m])) / 12 or vector(0))"
    return [
        states(
            "The box is on",
            "When the box was on; it is no target while it is off. On without a run is money for "
            "nothing.",
            Query(f"{on} or vector(0)", "box"),
            size=(12, 5),
            names={0: ("off", QUIET), 1: ("on", PLAIN)},
            empty="The box was not looked for in this time.",
        ),
        number(
            "Cost of this run",
            "Hours since the run began, by the price at the top; 0 without a run.",
            Query(
                "(time() - max(pneumonia_training_started_timestamp_seconds)) / 3600 * $price"
                " * max(pneumonia_training_running)"
            ),
            size=(4, 5),
            unit="currencyUSD",
            decimals=2,
            empty="never ran",
        ),
        number(
            "Cost in 30 days",
            "Hours in which the box was on in 30 days, by the price at the top. Disks, and what "
            "is too short to be seen, are not in it; the bill is right.",
            Query(f"{hours.format(BOX, '30d')} * $price"),
            size=(4, 5),
            unit="currencyUSD",
            decimals=2,
        ),
        number(
            "Idle hours in 30 days",
            "Hours in which the box was on while no run and no scoring was.",
            Query(hours.format(f"({on} unless {busy})", "30d")),
            size=(4, 5),
            unit="h",
            decimals=1,
            steps=((None, GOOD), (1, WARN), (10, BAD)),
        ),
    ]


def _batch() -> list[Any]:
    return [
        number(
            "Scoring",
            "Whether an archive is being scored.",
            Query("max(pneumonia_batch_running)"),
            size=(4, 7),
            names={0: ("NO RUN", QUIET), 1: ("RUNNING", GOOD)},
            empty="never ran",
            filled=True,
        ),
        levels(
            "Files of the present or last run",
            "Of the files found: judged, rejected as no frontal chest X-ray, failed for a fault of "
            "ours, not readable from the disk, known from an earlier run, or the bytes of another.",
            Query(
                "max by (status) (pneumonia_batch_files) / on () group_left () "
                "max(pneumonia_batch_total_files)",
                "{{status}}",
            ),
            size=(8, 7),
            decimals=1,
            empty="never ran",
        ),
        lines(
            "Files a second",
            "Of the present or last run, since it began.",
            Query("max(pneumonia_batch_images_per_second)", "scoring"),
            size=(8, 7),
            empty="no run in this time",
        ),
        number(
            "Last success",
            "When an archive was last scored to its end.",
            Query("max(pneumonia_batch_last_success_timestamp_seconds) * 1000"),
            size=(4, 7),
            unit="dateTimeFromNow",
            empty="none yet",
        ),
    ]
