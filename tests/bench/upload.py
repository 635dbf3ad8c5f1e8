"""One upload at a time: yardstick, API, browser and the naive service in turn."""

import statistics
from typing import Any

from tests.bench.clients import Browser, Machine
from tests.bench.figures import Row, median_ms, percentile_ms
from tests.bench.peers.catalogue import BARE, KERAS, Place
from tests.bench.processes import Bystanders, read_worker_metrics
from tests.bench.section import Section
from tests.bench.sides import Side
from tests.bench.throughput import mean_steps
from tests.bench.workbench import WAIT_SECONDS, Workbench, take_turns


def measure_upload(bench: Workbench) -> dict[str, Any]:
    """Seconds of each upload, by side."""
    stack = bench.stack
    browser = Browser(stack.url, stack.user, stack.password)

    float32, precisions = bench.open_yardstick("float32"), {}

    def ask(name: str, yardstick: Side) -> list[float]:
        block = bench.next_block()
        answer = yardstick.ask(start=block[0], count=len(block))
        precisions[name] = answer["precision"]
        return answer["seconds"]

    def upload(port: int, path: str, key: str = "") -> list[float]:
        with Machine(port, path, key) as machine:
            return [machine.judge(bench.images.read(n)) for n in bench.next_block()]

    scratch = bench.scratch / "naive"
    scratch.mkdir()
    place = Place(bench.model_dir, bench.serving_dir, scratch, bench.images.read(0))
    with KERAS.running(BARE, place) as naive:
        api_port, path = stack.ports["API_PORT"], f"/v1/xrays?wait={WAIT_SECONDS}"
        sides = {
            "yardstick": lambda: ask("yardstick", bench.yardstick),
            "yardstick in float32": lambda: ask("yardstick in float32", float32),
            "api": lambda: upload(api_port, path, stack.api_key),
            "browser": lambda: [browser.judge(bench.images.read(n)) for n in bench.next_block()],
            "naive": lambda: upload(naive.port, naive.path),
        }
        before, bystanders = read_worker_metrics(stack), Bystanders()
        seconds = take_turns(sides, bench.counts.rounds)
        steps = mean_steps(before, read_worker_metrics(stack))
        share = bystanders.share()
    return {
        "seconds": seconds,
        "precision": precisions["yardstick"],
        "steps_ms": steps,
        "bystanders": share,
    }


def upload_rows(found: dict[str, Any]) -> list[Row]:
    """Each side against the yardstick."""
    seconds = found["seconds"]
    yardstick, float32, api, naive = (
        median_ms(seconds[name]) for name in ("yardstick", "yardstick in float32", "api", "naive")
    )

    def spell(name: str) -> str:
        median, p95 = median_ms(seconds[name]), percentile_ms(seconds[name], 95)
        return f"{median:.0f} ms, p95 {p95:.0f} ms, {median / yardstick:.2f} x yardstick"

    steps = found["steps_ms"]
    rest = statistics.mean(seconds["api"]) * 1000 - sum(steps.values())
    parts = [*(f"{step} {ms:.1f} ms" for step, ms in steps.items()), f"all else {rest:.1f} ms"]
    return [
        Row(
            f"Yardstick: read, predict in {found['precision']} and preview in one process",
            f"{yardstick:.0f} ms, p95 {percentile_ms(seconds['yardstick'], 95):.0f} ms; other "
            f"processes took {found['bystanders']:.0%} of the processors",
        ),
        Row(
            "... against the same in float32",
            f"{float32:.0f} ms; {yardstick / float32:.2f} times as long",
            "half as long",
            yardstick <= 0.5 * float32,
        ),
        Row(
            "Upload to the API until judged",
            spell("api"),
            "1.35 x yardstick or less",
            api <= 1.35 * yardstick,
        ),
        Row("... of which, on average", ", ".join(parts)),
        Row("Upload by browser: nginx, web page, API", spell("browser")),
        Row(
            "Naive service: Flask and `keras.Model.predict`",
            f"{spell('naive')}; this service is {naive / api:.1f} times as fast",
            "5 times faster or more",
            naive >= 5 * api,
        ),
    ]


UPLOAD = Section(
    "upload",
    "One upload at a time, in turn with yardstick and naive service",
    measure_upload,
    upload_rows,
)
