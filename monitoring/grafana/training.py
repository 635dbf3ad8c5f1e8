"""Trainer: is the expensive machine working, and what did it cost?"""

from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import Dashboard, VariableOption

from monitoring.grafana.curves import lines, states
from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD, PLAIN, QUIET, WARN
from monitoring.grafana.panels import Query, levels, number

# p3.2xlarge in eu-central-1, USD per hour; the price table is in terraform/outputs.tf.
PRICE: Final = "3.82"
# The trainer is a scrape target while it runs, even if NVIDIA's exporter does not answer.
TRAINER: Final = '(up{job="gpu"} * 0 + 1)'


def build() -> Dashboard:
    """The dashboard: training run, GPU, cost, and scoring of archives."""
    board = frame("training", "Is the trainer working, and what does it cost?", "now-12h", "1m")
    price = dashboard.TextBoxVariable("price").label("USD per hour").default_value(PRICE)
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
            "Whether a training run is in progress.",
            Query("max(pneumonia_training_running)"),
            size=(4, 7),
            names={0: ("NO RUN", QUIET), 1: ("RUNNING", GOOD)},
            empty="no run yet",
            filled=True,
        ),
        levels(
            "Epochs completed",
            "Progress of the run, as a share of the requested epochs. Early stopping may end it "
            "sooner.",
            Query("max(pneumonia_training_epoch) / max(pneumonia_training_epochs)", "epochs"),
            size=(5, 7),
            decimals=0,
            empty="no run yet",
        ),
        number(
            "Last success",
            "When a run last finished with a model.",
            Query("max(pneumonia_training_last_success_timestamp_seconds) * 1000"),
            size=(5, 7),
            unit="dateTimeFromNow",
            empty="none yet",
        ),
        number(
            "AUC",
            "AUC of the last run on the validation set, which selects epoch and threshold, and "
            "on the test set, which is evaluated once. Compare it with the model in service "
            "before you promote.",
            Query("max by (split) (pneumonia_training_auc)", "{{split}}"),
            size=(5, 7),
            decimals=3,
            empty="none yet",
        ),
        number(
            "Duration",
            "How long the last completed run took.",
            Query("max(pneumonia_training_duration_seconds)"),
            size=(5, 7),
            unit="s",
            empty="none yet",
        ),
        lines(
            "Images per second",
            "Throughput of the last epoch. If it has halved with the same settings, check the "
            "GPU below, then the disk in Hosts.",
            Query("max(pneumonia_training_images_per_second)", "training"),
            size=(12, 7),
            empty="no run in this period",
        ),
        lines(
            "AUC by epoch",
            "AUC on the validation set during the run, and on the test set at the end. If it "
            "stays flat for many epochs, the network has stopped learning.",
            Query("max by (split) (pneumonia_training_auc)", "{{split}}"),
            size=(12, 7),
            unit="none",
            lowest=0.5,
            highest=1,
            series=("validation", "test"),
            empty="no run in this period",
        ),
    ]


def _gpu() -> list[Any]:
    empty = "The trainer is off or has no GPU exporter."
    return [
        lines(
            "GPU utilisation",
            "Share of the time in which the GPU computes, averaged over all GPUs. Low during a "
            "run: the GPU waits for images. An alarm stops the instance after an idle hour.",
            Query("avg(DCGM_FI_DEV_GPU_UTIL) / 100", "in use"),
            size=(8, 7),
            unit="percentunit",
            highest=1,
            empty=empty,
        ),
        lines(
            "GPU memory",
            "Used and free memory. If it is full, use a smaller batch or mixed precision.",
            Query("sum(DCGM_FI_DEV_FB_USED) * 1024 * 1024", "used"),
            Query("sum(DCGM_FI_DEV_FB_FREE) * 1024 * 1024", "free"),
            size=(8, 7),
            unit="bytes",
            stacked=True,
            empty=empty,
        ),
        lines(
            "GPU power and temperature",
            "In watts and degrees Celsius. Above 85 degrees the GPU throttles itself.",
            Query("sum(DCGM_FI_DEV_POWER_USAGE)", "watts"),
            Query("max(DCGM_FI_DEV_GPU_TEMP)", "degrees"),
            size=(8, 7),
            unit="none",
            limit=(85, WARN),
            empty=empty,
        ),
    ]


def _cost() -> list[Any]:
    on = f"max({TRAINER})"
    busy = "(max(pneumonia_training_running) == 1 or max(pneumonia_batch_running) == 1)"
    hours = "(sum(sum_over_time({}[{}:5m])) / 12 or vector(0))"
    return [
        states(
            "Trainer running",
            "When the trainer was running; Prometheus does not scrape it while it is off. "
            "Running without a training run wastes money.",
            Query(f"{on} or vector(0)", "trainer"),
            size=(12, 5),
            names={0: ("off", QUIET), 1: ("on", PLAIN)},
            empty="Prometheus was not running in this period.",
        ),
        number(
            "Cost of the current run",
            "Hours since the run began, multiplied by the price at the top; 0 when there is no "
            "run.",
            Query(
                "(time() - max(pneumonia_training_started_timestamp_seconds)) / 3600 * $price"
                " * max(pneumonia_training_running)"
            ),
            size=(4, 5),
            unit="currencyUSD",
            decimals=2,
            empty="no run yet",
        ),
        number(
            "Cost in 30 days",
            "Hours in which the trainer was running in the last 30 days, multiplied by the price"
            " at the top. Disks and very short starts are not included; the AWS bill is exact.",
            Query(f"{hours.format(TRAINER, '30d')} * $price"),
            size=(4, 5),
            unit="currencyUSD",
            decimals=2,
        ),
        number(
            "Idle hours in 30 days",
            "Hours in the last 30 days in which the trainer was running without training or "
            "scoring.",
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
            empty="no run yet",
            filled=True,
        ),
        levels(
            "Files of the current or last run",
            "Share of the files found, by outcome. Rejected: not a frontal chest X-ray. Failed: "
            "our system failed. Unread: the file could not be read from disk. Known: scored by "
            "an earlier run. Repeated: identical to another file.",
            Query(
                "max by (status) (pneumonia_batch_files) / on () group_left () "
                "max(pneumonia_batch_total_files)",
                "{{status}}",
            ),
            size=(8, 7),
            decimals=1,
            empty="no run yet",
        ),
        lines(
            "Files per second",
            "Mean throughput of the current or last run.",
            Query("max(pneumonia_batch_images_per_second)", "scoring"),
            size=(8, 7),
            empty="no run in this period",
        ),
        number(
            "Last success",
            "When an archive was last scored completely.",
            Query("max(pneumonia_batch_last_success_timestamp_seconds) * 1000"),
            size=(4, 7),
            unit="dateTimeFromNow",
            empty="none yet",
        ),
    ]
