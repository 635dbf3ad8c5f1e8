"""How soon the viewer shows a film, and how many frames a second it draws while a person works.

    python -m tests.bench.viewer

A part of `make bench`. Headless Chromium without a graphics processor opens the result pages of
films of 12 and 16 bits; each frame changes the window, moves the film or enlarges it, and is drawn
at the resolution of the screen.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from pydicom.uid import DeflatedExplicitVRLittleEndian

from tests.bench.figures import Row
from tests.bench.section import Section
from tests.bench.workbench import QUICK, SAMPLES, Workbench
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.person import log_in
from tests.model.reading.dicom_objects import build, save

FILMS = ((3000, 12), (4000, 16))
"""Side in pixels, and bits."""

WIDTH, HEIGHT = 1440, 900
FRAMES = 120

KEEP = """document.addEventListener("viewer", ({detail}) => {
    globalThis.measured = detail;
    globalThis.shown = {};
    detail.addEventListener("drawn", () => {
        globalThis.shown[detail.root.dataset.depth] ??= performance.now();
    });
});"""
"""Keeps the view, and the time of the first frame at each depth, in ms from the navigation."""

WORK = {
    "window": "view.windowBy(frame % 2 ? 3 : -3, 1)",
    "pan": "view.panBy(frame % 40 < 20 ? 4 : -4, frame % 20 < 10 ? 3 : -3)",
    "zoom": "view.zoomBy(frame % 60 < 30 ? 1.03 : 1 / 1.03)",
}

DRAW = """async (frames) => {{
    const view = globalThis.measured;
    const next = () => new Promise(requestAnimationFrame);
    await next();
    const times = [];
    for (let frame = 0; frame < frames; frame += 1) {{
        {work};
        times.push(await next());
    }}
    return times;
}}"""


def make_film(folder: Path, side: int, bits: int) -> Path:
    """An X-ray enlarged, with the noise of a detector, as a DICOM file of less than 25 MB."""
    with Image.open(sorted(SAMPLES.iterdir())[8]) as image:
        large = np.asarray(image.convert("L").resize((side, side), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(0).integers(0, 16, large.shape)
    values = (large.astype(np.uint16) << (bits - 8)) | noise.astype(np.uint16)
    file = folder / f"{side}.dcm"
    file.write_bytes(
        save(build(values, BitsStored=bits, HighBit=bits - 1), DeflatedExplicitVRLittleEndian)
    )
    return file


def measure_film(page: Page, url: str, file: Path) -> dict[str, Any]:
    """Seconds until preview and film are drawn, and the time of each frame of each work."""
    page.goto(f"{url}/xrays")
    page.locator("#xray").set_input_files(file)
    page.wait_for_url("**/xrays/*", timeout=60_000)
    page.wait_for_selector(".film[data-depth=full]", timeout=60_000)
    page.goto(f"{url}/xrays")
    page.locator(".row-link").first.click()
    page.wait_for_selector(".film[data-depth=full]", timeout=60_000)
    page.wait_for_timeout(500)
    shown = page.evaluate("globalThis.shown")
    frames = {}
    for name, work in WORK.items():
        times = page.evaluate(DRAW.format(work=work), FRAMES)
        gaps = np.diff(times)
        frames[name] = {
            "fps": float(1000 / gaps.mean()),
            "p95_ms": float(np.percentile(gaps, 95)),
        }
    return {"preview_ms": shown.get("preview"), "full_ms": shown["full"], "frames": frames}


def measure(bench: Workbench) -> dict[str, Any]:
    """In the system of the bench."""
    stack = bench.stack
    found = {}
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=False
        )
        context = started.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        context.add_init_script(KEEP)
        page = context.new_page()
        log_in(page, stack)
        for side, bits in FILMS:
            file = make_film(bench.scratch, side, bits)
            found[f"{side} x {side}, {bits} bits"] = measure_film(page, stack.url, file)
        started.close()
    return found


def viewer_rows(found: dict[str, Any]) -> list[Row]:
    """First film, and the slowest of the three kinds of work."""
    rows = []
    for (side, _), (name, film) in zip(FILMS, found.items(), strict=True):
        slowest = min(film["frames"], key=lambda work: film["frames"][work]["fps"])
        fps = film["frames"][slowest]["fps"]
        goal = 60 if side == 3000 else 30
        each = ", ".join(f"{work} {each['fps']:.0f}" for work, each in film["frames"].items())
        rows.append(
            Row(
                f"Viewer, {name}: frames a second without a graphics processor",
                f"{each}; 95 % of the frames of *{slowest}* within "
                f"{film['frames'][slowest]['p95_ms']:.0f} ms",
                f"{goal} or more",
                fps >= goal - 1,
            )
        )
        first = film["preview_ms"] or film["full_ms"]
        rows.append(
            Row(
                "... from opening the page to the first film",
                f"{first:.0f} ms; at full depth {film['full_ms']:.0f} ms",
                "below 300 ms",
                first < 300,
            )
        )
    return rows


VIEWER = Section("viewer", "The viewer, in a browser", measure, viewer_rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="viewer", description="Measure the viewer.")
    parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="viewer-") as name, ExitStack() as opened:
        bench = Workbench(Path(name), QUICK, opened)
        for row in viewer_rows(measure(bench)):
            print(f"| {row.what} | {row.measured} | {row.target} | {row.reached} |")


if __name__ == "__main__":
    main()
