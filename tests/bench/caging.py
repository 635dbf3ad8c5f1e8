"""What the cage adds to an X-ray: `Cage.read` and the same work in this process, in turn.

    python -m tests.bench.caging

A part of `make bench`; on its own it takes a quarter of a minute.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from model.cage.pool import Cage
from model.reading.xray import MAX_PIXELS, encode_preview, model_input, read_xray
from tests.bench.figures import Row, median_ms
from tests.bench.images import Images, make_images
from tests.bench.section import Section
from tests.bench.sides import ROOT
from tests.bench.workbench import Workbench

SIDE = 224
COUNT = 160


def measure_caging(images: Images, numbers: Iterable[int]) -> dict[str, list[float]]:
    """Seconds of each X-ray, caged and not; which one begins alternates."""
    cage = Cage(1)

    def read_caged(data: bytes) -> None:
        cage.read(data, MAX_PIXELS, SIDE)

    def read_here(data: bytes) -> None:
        xray = read_xray(data)
        model_input(xray)
        encode_preview(xray)

    sides: list[tuple[str, Callable[[bytes], None]]]
    sides = [("caged", read_caged), ("uncaged", read_here)]
    found: dict[str, list[float]] = {name: [] for name, _ in sides}
    for _, read in sides:
        read(images.read(0))  # the child is there, and all is imported
    for number in numbers:
        data = images.read(number)
        for name, read in sides:
            started = time.perf_counter()
            read(data)
            found[name].append(time.perf_counter() - started)
        sides.reverse()
    return found


def added_ms(found: dict[str, list[float]]) -> float:
    """The median of what the cage added to each X-ray, in milliseconds."""
    pairs = zip(found["caged"], found["uncaged"], strict=True)
    return 1000 * statistics.median(caged - uncaged for caged, uncaged in pairs)


def measure(bench: Workbench) -> dict[str, list[float]]:
    """As many X-rays as the other paces are measured with."""
    start = bench.reserve(bench.counts.pace)
    return measure_caging(bench.images, range(start, start + bench.counts.pace))


def caging_rows(found: dict[str, list[float]]) -> list[Row]:
    """Its line."""
    caged, uncaged = (median_ms(found[name]) for name in ("caged", "uncaged"))
    added = added_ms(found)
    return [
        Row(
            "Reading an X-ray, its input and preview in the cage; without a cage",
            f"{caged:.1f} ms, {uncaged:.1f} ms; {added:.1f} ms added, median of pairs",
            "under 3 ms added",
            added < 3,
        )
    ]


CAGE = Section("cage", "Reading in the cage, in turn with reading outside", measure, caging_rows)


def main() -> None:
    """Run this measurement on its own and print it."""
    parser = argparse.ArgumentParser(description="Measure what the cage adds to an X-ray.")
    parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="images-") as folder:
        make_images(ROOT / "var" / "samples", Path(folder))
        found = measure_caging(Images(Path(folder)), range(COUNT))
    for name, seconds in found.items():
        print(f"{name:8} {1000 * statistics.median(seconds):.1f} ms")
    print(f"added    {added_ms(found):.1f} ms, median of pairs")


if __name__ == "__main__":
    main()
