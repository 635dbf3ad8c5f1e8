"""What a preview costs, and what it keeps, by size, quality and filter.

    python -m tests.bench.previews

Prints the tables of docs/measurements-upload.md. The similarity is the peak signal-to-noise ratio
to the X-ray after the preview was scaled up to its size again; noise of a detector is added first,
which the JPEG samples have lost.
"""

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.bench.images import make_images
from tests.bench.sides import ROOT

FILMS = 4
REPEATS = 5
NOISE = 3.0
"""Standard deviation in grey levels of 255."""

SIDES = (768, 1024, 1280)
QUALITIES = (75, 85, 92)

Scale = Callable[[np.ndarray, tuple[int, int]], np.ndarray]


@dataclass(frozen=True)
class Preview:
    """Processor time of scaling and encoding in ms, size in kB, PSNR in dB."""

    scaling: float
    encoding: float
    size: float
    similarity: float


def scale_by_opencv(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear, as in use down to half the size."""
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)


def scale_by_pillow(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear over all pixels, as in use below that."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def scale_by_box(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pillow's box filter."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


FILTERS: dict[str, Scale] = {
    "OpenCV, bilinear": scale_by_opencv,
    "Pillow, bilinear": scale_by_pillow,
    "Pillow, box": scale_by_box,
}


def read_films() -> Iterator[np.ndarray]:
    """Samples of 1,500 px with the noise of a detector; (rows, columns) uint8."""
    noise = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="previews-") as folder:
        make_images(ROOT / "var" / "samples", Path(folder))
        for file in sorted(Path(folder).iterdir())[:FILMS]:
            with Image.open(file) as image:
                pixels = np.asarray(image, np.float64)
            noisy = pixels + noise.normal(0, NOISE, pixels.shape)
            yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def preview(pixels: np.ndarray, side: int, quality: int, scale: Scale) -> Preview:
    """Make one, and compare it with the film."""
    factor = side / max(pixels.shape)
    rows, columns = pixels.shape
    size = round(columns * factor), round(rows * factor)
    scaling, encoding = [], []
    for _ in range(REPEATS):
        buffer = io.BytesIO()
        began = time.process_time()
        small = scale(pixels, size)
        scaled = time.process_time()
        Image.fromarray(small).save(buffer, "JPEG", quality=quality)
        scaling.append(scaled - began)
        encoding.append(time.process_time() - scaled)
    with Image.open(buffer) as image:
        back = np.asarray(image.resize((columns, rows), Image.Resampling.BICUBIC), np.float64)
    error = float(np.mean((back - pixels) ** 2))
    similarity = 10 * np.log10(255**2 / error)
    kilobytes = len(buffer.getvalue()) / 1000
    return Preview(1000 * min(scaling), 1000 * min(encoding), kilobytes, similarity)


def mean(films: list[np.ndarray], side: int, quality: int, scale: Scale) -> Preview:
    """Over all films."""
    each = [vars(preview(film, side, quality, scale)) for film in films]
    return Preview(**{name: float(np.mean([one[name] for one in each])) for name in each[0]})


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="previews", description="Measure previews.")
    parser.parse_args()
    cv2.setNumThreads(1)
    films = list(read_films())
    print(
        "| longer side, quality | scale, ms | encode, ms | kB | PSNR, dB |\n|---|---|---|---|---|"
    )
    for side in SIDES:
        for quality in QUALITIES:
            found = mean(films, side, quality, scale_by_opencv)
            print(
                f"| {side:,} px, {quality} | {found.scaling:.1f} | {found.encoding:.1f} "
                f"| {found.size:.0f} | {found.similarity:.1f} |"
            )
    print("\n| filter, to 1,024 px | scale, ms | PSNR, dB |")
    print("|---|---|---|")
    for name, scale in FILTERS.items():
        found = mean(films, 1024, 85, scale)
        print(f"| {name} | {found.scaling:.1f} | {found.similarity:.1f} |")


if __name__ == "__main__":
    main()
