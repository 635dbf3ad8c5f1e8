"""From the drop of an X-ray on the page to the result on the screen, in a browser.

    python -m tests.bench.dropping [--drops 40]

A part of `make bench`. The browser hands over the file as from a person's desk. The clock starts
with the event of the drop and ends with the frame that shows the result beside the film: it takes
the upload through nginx, web and API, the analysis, the page of the result, and its film.
"""

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.bench.figures import Row, median_ms, percentile_ms
from tests.bench.images import Images
from tests.bench.processes import Bystanders
from tests.bench.section import Section
from tests.bench.workbench import QUICK, Workbench
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.person import drop_paths, log_in
from tests.conftest import XRAY_DATA

WIDTH, HEIGHT = 1440, 900
WARM_UP = 3
TARGET_SECONDS = 0.32

KEEP = """
addEventListener("drop", ({timeStamp}) => {
    sessionStorage.setItem("dropped", performance.timeOrigin + timeStamp);
}, true);
const look = () => {
    const word = document.querySelector(".finding h1");
    if (word?.checkVisibility({visibilityProperty: true})) {
        const shown = performance.timeOrigin + performance.now();
        globalThis.seconds = (shown - sessionStorage.getItem("dropped")) / 1000;
    } else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""Keeps the moment of the drop for the next page, which keeps the seconds until its result."""


def find_originals(bench: Workbench) -> Images:
    """Kermany's X-rays as they were published where XRAY_DATA has them, else those of the bench."""
    folder = XRAY_DATA / "kermany_originals"
    if not folder.is_dir():
        return bench.images
    flat = bench.scratch / "originals"
    flat.mkdir()
    for file in folder.rglob("*.jpeg"):
        shutil.copy(file, flat)
    return Images(flat)


def measure_drop(page: Page, url: str, file: Path) -> float:
    """Seconds of one drop on a worklist that is at rest."""
    page.goto(f"{url}/xrays", wait_until="networkidle")
    drop_paths(page, file)
    page.wait_for_url("**/xrays/*", timeout=60_000)
    page.wait_for_selector(".finding h1", timeout=60_000)
    return float(
        page.evaluate(
            """async () => {
                while (!globalThis.seconds) await new Promise(requestAnimationFrame);
                return globalThis.seconds;
            }"""
        )
    )


def measure(bench: Workbench) -> dict[str, Any]:
    """In the system of the bench."""
    stack, images = bench.stack, find_originals(bench)
    start = bench.reserve(WARM_UP + bench.counts.drops)
    seconds: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=False
        )
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        context.add_init_script(KEEP)
        page = context.new_page()
        log_in(page, stack)
        for number in range(start, start + WARM_UP + bench.counts.drops):
            file = bench.scratch / f"dropped-{number}.jpeg"
            file.write_bytes(images.read(number))
            if number == start + WARM_UP:
                seconds, bystanders = [], Bystanders()
            seconds.append(measure_drop(page, stack.url, file))
            file.unlink()
        share = bystanders.share()
        browser.close()
    return {"seconds": seconds, "bystanders": share}


def drop_rows(found: dict[str, Any]) -> list[Row]:
    """Median and 95th percentile."""
    seconds = found["seconds"]
    median = median_ms(seconds)
    return [
        Row(
            "From the drop of an X-ray to its result on the screen, in a browser",
            f"{median:.0f} ms, p95 {percentile_ms(seconds, 95):.0f} ms of {len(seconds)}; other "
            f"processes took {found['bystanders']:.0%} of the processors",
            f"{1000 * TARGET_SECONDS:.0f} ms or less",
            median <= 1000 * TARGET_SECONDS,
        )
    ]


DROP = Section("drop", "From drop to result, in a browser", measure, drop_rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="dropping", description="Time drops of X-rays.")
    parser.add_argument("--drops", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="drop-") as name, ExitStack() as opened:
        bench = Workbench(Path(name), replace(QUICK, drops=options.drops), opened)
        found = measure(bench)
        print(" ".join(f"{each:.3f}" for each in sorted(found["seconds"])))
        for row in drop_rows(found):
            print(f"| {row.what} | {row.measured} | {row.target} | {row.reached} |")


if __name__ == "__main__":
    main()
