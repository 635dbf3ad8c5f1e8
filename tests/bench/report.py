"""What was measured -> the Markdown that the bench prints."""

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from tests.bench.caging import added_ms
from tests.bench.throughput import is_complete

COMPARED = ("openvino", "onnxruntime", "tensorflow", "keras", "celery", "gunicorn")


@dataclass(frozen=True)
class Row:
    """One line of the table; `reached` is None where there is no target."""

    what: str
    measured: str
    target: str = ""
    reached: bool | None = None


def median_ms(seconds: Sequence[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(seconds) * 1000


def p95_ms(seconds: Sequence[float]) -> float:
    """95th percentile in milliseconds."""
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1] * 1000


def describe_machine() -> str:
    """Processor, cores, other load, and the versions compared."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in COMPARED)
    return (
        f"{models[0] if models else platform.machine()}, {psutil.cpu_count()} cores, "
        f"load {psutil.getloadavg()[0]:.1f} at the start; "
        f"Python {platform.python_version()}, {versions}."
    )


def make_rows(found: dict[str, Any]) -> list[Row]:
    """One row for each figure, with its target and whether it was reached."""
    return [
        *_latency_rows(found["latency"]),
        *_runtime_rows(found["runtimes"]),
        *_process_rows(found),
        *_load_rows(found["throughput"]),
        _caging_row(found["caging"]),
        _scoring_row(found["scoring"]),
        _watching_row(found["watching"]),
        *_training_rows(found["training"]),
    ]


def _latency_rows(latency: dict[str, Any]) -> list[Row]:
    seconds = latency["seconds"]
    yardstick, api, browser, naive = (
        median_ms(seconds[name]) for name in ("yardstick", "api", "browser", "naive")
    )

    def spell(name: str, median: float) -> str:
        ratio = median / yardstick
        return f"{median:.0f} ms, p95 {p95_ms(seconds[name]):.0f} ms, {ratio:.2f} x yardstick"

    steps = latency["steps_ms"]
    rest = statistics.mean(seconds["api"]) * 1000 - sum(steps.values())
    parts = [*(f"{step} {ms:.0f} ms" for step, ms in steps.items()), f"all else {rest:.0f} ms"]
    return [
        Row(
            "Yardstick: read, predict and preview in one process",
            f"{yardstick:.0f} ms, p95 {p95_ms(seconds['yardstick']):.0f} ms",
        ),
        Row(
            "Upload to the API until judged",
            spell("api", api),
            "1.6 x yardstick or less",
            api <= 1.6 * yardstick,
        ),
        Row("... of which, on average", ", ".join(parts)),
        Row("Upload by browser: nginx, web page, API", spell("browser", browser)),
        Row(
            "Naive service: Flask and `keras.Model.predict`",
            f"{spell('naive', naive)}; this service is {naive / api:.1f} times as fast",
            "3 times faster or more",
            naive >= 3 * api,
        ),
    ]


def _runtime_rows(runtimes: dict[str, Any]) -> list[Row]:
    openvino = median_ms(runtimes["seconds"]["openvino"])
    onnxruntime = median_ms(runtimes["seconds"]["onnxruntime"])
    logit = median_ms(runtimes["seconds"]["logit"])
    apart = runtimes["largest_logit_difference"]
    return [
        Row(
            "One inference: OpenVINO (in use), ONNX Runtime",
            f"{openvino:.1f} ms, {onnxruntime:.1f} ms; logits at most {apart:.1e} apart",
        ),
        Row(
            "... of which heat map and distance",
            f"{openvino - logit:.1f} ms, {(openvino - logit) / logit:.0%} of the logit alone",
            "under 10 %",
            openvino < 1.1 * logit,
        ),
    ]


def _process_rows(found: dict[str, Any]) -> list[Row]:
    start, memory = statistics.median(found["worker_start"]), found["memory_mb"]
    return [
        Row("Worker, from start to ready", f"{start:.1f} s", "under 3 s", start < 3),
        Row(
            "Memory of the worker after the load (proportional set size)",
            f"{memory['worker']:.0f} MB",
            "under 450 MB",
            memory["worker"] < 450,
        ),
        Row(
            "Memory of the API after the load",
            f"{memory['api']:.0f} MB",
            "under 120 MB",
            memory["api"] < 120,
        ),
    ]


def _load_rows(throughput: dict[str, Any]) -> list[Row]:
    pace = statistics.mean(throughput["yardstick_per_second"])
    overlapped = throughput["overlapped_per_second"]
    rows = [
        Row(
            "Yardstick's throughput",
            f"{pace:.1f} images/s; on three threads {overlapped:.1f} images/s",
        )
    ]
    for name, how in (("waiting", "each waiting for its result"), ("burst", "none waiting")):
        load = throughput[name]
        what = f"{load['sent']} uploads from 8 clients, {how}"
        rate = load["images_per_second"]
        share = rate / pace
        strays = "" if is_complete(load) else f"; answers: {load['answers']}"
        cpu = ", ".join(
            f"{part} {ms:.0f}" for part, ms in load["cpu_ms_per_upload"].items() if ms >= 1
        )
        rows += [
            Row(
                what,
                f"{load['done']} done, {load['listed']} listed, {load['distinct']} distinct, "
                f"{load['counted_by_worker']} counted by the worker{strays}",
                "each once",
                is_complete(load),
            ),
            Row(
                "... throughput",
                f"{rate:.1f} images/s, {share:.0%} of the yardstick's",
                "90 % or more",
                share >= 0.9,
            ),
            Row("... processor time for one upload, ms", cpu),
        ]
    return rows


def _caging_row(caging: dict[str, list[float]]) -> Row:
    caged, uncaged = (median_ms(caging[name]) for name in ("caged", "uncaged"))
    added = added_ms(caging)
    return Row(
        "Reading an X-ray, its input and preview in the cage; without a cage",
        f"{caged:.1f} ms, {uncaged:.1f} ms; {added:.1f} ms added, median of pairs",
        "under 3 ms added",
        added < 3,
    )


def _scoring_row(scoring: dict[str, Any]) -> Row:
    own, scored = (
        statistics.median(scoring["images_per_second"][name]) for name in ("predict", "score")
    )
    share, cpu = scoring["share"], scoring["cpu_ms_per_image"]
    return Row(
        "Folder scored by `model.inference`; `Predictor.predict` alone",
        f"{scored:.1f} images/s, {own:.1f} images/s; {share:.0%} of it, median of turns; "
        f"processor time {cpu['score']:.0f} ms, {cpu['predict']:.0f} ms",
        "90 % or more",
        share >= 0.9,
    )


def _watching_row(watching: dict[str, Any] | None) -> Row:
    what = "Being watched: Prometheus, Alertmanager and exporters awake and asleep, in turns"
    if watching is None:
        return Row(what, "not measured: the programs of `MONITORING=1` are not installed")
    awake, asleep = (
        statistics.median(watching["images_per_second"][name]) for name in ("awake", "asleep")
    )
    return Row(
        what,
        f"{awake:.1f} images/s, {asleep:.1f} images/s; {watching['loss']:.1%} lost, median of "
        f"pairs; {watching['share']:.1%} of the processors' time",
        "under 2 % lost",
        watching["loss"] < 0.02,
    )


def _training_rows(training: dict[str, Any]) -> list[Row]:
    """Speed-up by the clock and by processor time, which other processes do not lengthen."""
    rows = []
    for name, depth in training.items():
        gains = {
            clock: statistics.median(depth[clock]["plain"])
            / statistics.median(depth[clock]["cached"])
            for clock in ("seconds", "processor_seconds")
        }
        low, high = depth["interval_of_plain"]
        within = low <= depth["auc"]["cached"] <= high
        rows.append(
            Row(
                f"An epoch of training with `--cache-features`, {name} trained",
                f"{gains['seconds']:.1f} times faster, {gains['processor_seconds']:.1f} by "
                f"processor time; test AUC {depth['auc']['cached']:.3f}, without "
                f"{depth['auc']['plain']:.3f} ({low:.3f} to {high:.3f})",
                f"{depth['target']:g} times or more, AUC within the interval",
                gains["seconds"] >= depth["target"] and within,
            )
        )
    return rows


def format_table(found: dict[str, Any]) -> str:
    """The machine and a Markdown table that says of each target whether it was reached."""
    alone, loaded = (found[part]["bystanders"] for part in ("latency", "throughput"))
    bystanders = (
        f"Other processes took {alone:.0%} of the processors during the single uploads and "
        f"{loaded:.0%} during the many; above a few per cent, do not trust the milliseconds."
    )
    words = {None: "", True: "reached", False: "**missed**"}
    lines = [
        found["machine"],
        bystanders,
        "",
        "| What | Measured | Target | |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.what} | {row.measured} | {row.target} | {words[row.reached]} |"
        for row in make_rows(found)
    ]
    return "\n".join(lines) + "\n"
