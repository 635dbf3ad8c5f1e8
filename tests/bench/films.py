"""What a film at full depth costs, by way of encoding: size, and processor time.

    python -m tests.bench.films

Reads the films of XRAY_DATA (chest X-rays as DICOM and four of Kermany's at their original size),
and prints the table of docs/decisions/viewer.md. `decode` is the time that the file needs anyway.
"""

import argparse
import io
import os
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from model.reading.full_film import FullFilm, encode_film, filter_rows
from model.reading.xray import read_xray

REPEATS = 3

Encode = Callable[[FullFilm], bytes]


def by_zlib(film: FullFilm) -> bytes:
    """The fastest way of zlib itself that keeps films small; without the chunks of a PNG."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packer.compress(filter_rows(film.values)) + packer.flush()


def by_opencv(film: FullFilm) -> bytes:
    """OpenCV's default: level 1, filter Sub, Z_RLE."""
    return bytes(cv2.imencode(".png", film.values)[1])


def by_pillow(film: FullFilm) -> bytes:
    """Pillow at level 1."""
    buffer = io.BytesIO()
    Image.fromarray(film.values).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def by_opencv_well(film: FullFilm) -> bytes:
    """OpenCV at level 6 without Z_RLE."""
    options = [cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, 0]
    return bytes(cv2.imencode(".png", film.values, options)[1])


def by_planes(film: FullFilm) -> bytes:
    """No PNG: high and low bytes of the differences apart, which no other program could read."""
    apart = film.values.astype(np.int32)
    apart[1:] -= film.values[:-1]
    folded = (apart << 1 ^ apart >> 31).astype(f"<u{film.values.itemsize}")
    planes = np.moveaxis(folded.view(np.uint8).reshape(*folded.shape, -1), -1, 0)
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packer.compress(planes.tobytes()) + packer.flush()


WAYS: dict[str, Encode] = {
    "as in use": encode_film,
    "zlib, Z_RLE": by_zlib,
    "OpenCV": by_opencv,
    "Pillow": by_pillow,
    "OpenCV, level 6": by_opencv_well,
    "byte planes": by_planes,
}


def list_films(data: Path) -> list[Path]:
    """The files that are measured."""
    chest = sorted((data / "dicom_dev" / "chest").iterdir())
    originals = sorted((data / "kermany_originals").glob("*/*"))
    return [*chest, *originals[:2], *originals[-2:]]


def least(work: Callable[[], object]) -> float:
    """Processor time in ms, the least of REPEATS."""
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1000 * min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="films", description="Measure films at full depth.")
    parser.parse_args()
    cv2.setNumThreads(1)
    print(f"| film | decode | {' | '.join(WAYS)} |\n|---|---|{'---|' * len(WAYS)}")
    for file in list_films(Path(os.environ.get("XRAY_DATA", "../shared/data"))):
        data = file.read_bytes()
        make = read_xray(data).full
        assert make is not None
        film = make()
        height, width = film.values.shape
        name = f"{width} x {height}, {int(film.values.max()).bit_length()} bits"
        found = [
            f"{len(encode(film)) / 1e6:.2f} MB, {least(partial(encode, film)):.0f} ms"
            for encode in WAYS.values()
        ]
        print(f"| {name} | {least(partial(read_xray, data)):.0f} ms | {' | '.join(found)} |")


if __name__ == "__main__":
    main()
