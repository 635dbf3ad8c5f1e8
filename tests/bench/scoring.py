"""How much of the predictor's own throughput `model.inference` reaches when it scores a folder.

    python -m tests.bench.scoring [--rounds 8]

A part of `make bench`; on its own it takes a minute or two. The two take short turns, so that other
load affects both.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.figures import Row
from tests.bench.images import make_images
from tests.bench.redis_server import running_redis
from tests.bench.section import Section
from tests.bench.sides import ROOT, Side
from tests.bench.workbench import Workbench

BLOCK = 64
"""Files in a turn: enough that the first and last batches, which nothing overlaps, weigh little."""


def measure_scoring(model: Path, serving: Path, images: Path, rounds: int) -> dict[str, Any]:
    """Images per second of each turn, the two in alternation; the first round is a warm-up."""
    paces: dict[str, list[float]] = {"predict": [], "score": []}
    cpu: dict[str, list[float]] = {"predict": [], "score": []}
    with tempfile.TemporaryDirectory(prefix="scoring-") as name:
        scratch = Path(name)
        with (
            running_redis(scratch) as url,
            Side("tests.bench.scoring_side", url, model, serving, images, scratch) as side,
        ):
            for number in range(rounds + 1):
                order = list(paces) if number % 2 else list(reversed(paces))
                for what in order:
                    answer = side.ask(what=what, start=number * BLOCK, count=BLOCK)
                    if number:
                        paces[what].append(BLOCK / answer["elapsed"])
                        cpu[what].append(answer["cpu"] / BLOCK * 1000)
    shares = [scored / own for scored, own in zip(paces["score"], paces["predict"], strict=True)]
    return {
        "images_per_second": paces,
        "share": statistics.median(shares),
        "shares": shares,
        "cpu_ms_per_image": {what: statistics.median(ms) for what, ms in cpu.items()},
    }


def measure(bench: Workbench) -> dict[str, Any]:
    """With the X-rays of the bench."""
    return measure_scoring(bench.model_dir, bench.serving_dir, bench.folder, bench.counts.scorings)


def scoring_rows(found: dict[str, Any]) -> list[Row]:
    """Its line."""
    own, scored = (
        statistics.median(found["images_per_second"][name]) for name in ("predict", "score")
    )
    share, cpu = found["share"], found["cpu_ms_per_image"]
    return [
        Row(
            "Folder scored by `model.inference`; `Predictor.predict` alone",
            f"{scored:.1f} images/s, {own:.1f} images/s; {share:.0%} of it, median of turns; "
            f"processor time {cpu['score']:.0f} ms, {cpu['predict']:.0f} ms",
            "95 % or more",
            share >= 0.95,
        )
    ]


SCORING = Section("folder", "A folder, in turn with the bare predictor", measure, scoring_rows)


def main() -> None:
    """Run this measurement on its own and print it."""
    parser = argparse.ArgumentParser(prog="scoring", description="Measure scoring a folder.")
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="images-") as images:
        make_images(ROOT / "var" / "samples", Path(images))
        found = measure_scoring(
            ROOT / "model" / "artifact", ROOT / "var" / "serving", Path(images), rounds
        )
    for what, paces in found["images_per_second"].items():
        print(f"{what:8} {' '.join(f'{pace:.1f}' for pace in paces)} images/s")
    print(f"share    {' '.join(f'{share:.2f}' for share in found['shares'])}")
    print(f"median   {found['share']:.2f}")
    print(f"cpu      {found['cpu_ms_per_image']} ms an image")


if __name__ == "__main__":
    main()
